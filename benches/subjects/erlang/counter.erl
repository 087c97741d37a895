%% The counter, and a supervisor of counters that come and go.
-module(counter).
-behaviour(gen_server).
-export([start/0, start/1, start_named/1, told/0, add/2, total/1, stop/1, start_link/0]).
-export([pool/0, start_child/1, stop_child/2]).
-export([init/1, handle_call/3, handle_cast/2]).

start() -> start([]).

start(Options) ->
    {ok, Counter} = gen_server:start(?MODULE, counter, Options),
    Counter.

start_named(Name) ->
    {ok, Counter} = gen_server:start({local, Name}, ?MODULE, counter, []),
    Counter.

start_link() -> gen_server:start_link(?MODULE, counter, []).

%% One that has been told a number.
told() ->
    Counter = start(),
    add(Counter, 7),
    Counter.

add(Counter, N) -> gen_server:cast(Counter, {add, N}).
total(Counter) -> gen_server:call(Counter, total, infinity).
stop(Counter) -> gen_server:stop(Counter).

pool() ->
    {ok, Pool} = supervisor:start_link(?MODULE, pool),
    Pool.

start_child(Pool) ->
    {ok, Child} = supervisor:start_child(Pool, []),
    Child.

stop_child(Pool, Child) -> ok = supervisor:terminate_child(Pool, Child).

init(counter) -> {ok, {0, 0}};
init(pool) ->
    Child = #{id => counter, start => {?MODULE, start_link, []}, restart => temporary},
    {ok, {#{strategy => simple_one_for_one}, [Child]}}.

handle_call(total, _From, State) -> {reply, State, State}.
handle_cast({add, N}, {Count, Sum}) -> {noreply, {Count + 1, Sum + N}}.
