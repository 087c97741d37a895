%% A server that ends when it is told to.
-module(child).
-behaviour(gen_server).
-export([start_link/3, crash/1]).
-export([init/1, handle_call/3, handle_cast/2]).

start_link(Number, Ending, Asker) -> gen_server:start_link(?MODULE, {Number, Ending, Asker}, []).

crash(Child) -> gen_server:cast(Child, crash).

init({Number, Ending, Asker}) ->
    Asker ! {arrived, Number, self()},
    {ok, Ending}.

handle_call(_, _, Ending) -> {reply, none, Ending}.

handle_cast(crash, panic) -> error(as_asked);
handle_cast(crash, error) -> {stop, as_asked, error}.
