%% W9: a server that knows many others, and these.
-module(hub).
-behaviour(gen_server).
-export([start/1, broadcast/2]).
-export([init/1, handle_call/3, handle_cast/2]).

start(Others) ->
    {ok, Hub} = gen_server:start(?MODULE, {hub, Others}, []),
    {Hub, Others}.

broadcast({Hub, Others}, Count) ->
    Rounds = (Count + Others - 1) div Others,
    {Heard, Took} = stopwatch:timed(fun() -> gen_server:call(Hub, {rounds, Rounds}, infinity) end),
    Heard = Rounds * Others,
    {Heard, Took}.

init({hub, Number}) ->
    Hub = self(),
    Others = [begin {ok, Other} = gen_server:start(?MODULE, {other, Hub}, []), Other end
              || _ <- lists:seq(1, Number)],
    {ok, {hub, Others, Number, none}};
init({other, Hub}) ->
    {ok, {other, Hub}}.

handle_call({rounds, Rounds}, From, {hub, Others, Number, none}) ->
    tell(Others),
    {noreply, {hub, Others, Number, {0, Rounds * Number, From}}}.

handle_cast(told, {other, Hub} = State) ->
    gen_server:cast(Hub, acknowledged),
    {noreply, State};
handle_cast(acknowledged, {hub, Others, Number, {Heard, Wanted, From}}) when Heard + 1 =:= Wanted ->
    gen_server:reply(From, Wanted),
    {noreply, {hub, Others, Number, none}};
handle_cast(acknowledged, {hub, Others, Number, {Heard, Wanted, From}}) ->
    (Heard + 1) rem Number =:= 0 andalso tell(Others),
    {noreply, {hub, Others, Number, {Heard + 1, Wanted, From}}}.

tell(Others) -> lists:foreach(fun(Other) -> gen_server:cast(Other, told) end, Others).
