%% W6: servers of which each knows the next one.
-module(member).
-behaviour(gen_server).
-export([ring/1, go_round/2]).
-export([init/1, handle_call/3, handle_cast/2]).

ring(Size) ->
    Last = start(none),
    First = lists:foldl(fun(_, Next) -> start(Next) end, Last, lists:seq(2, Size)),
    gen_server:cast(Last, {next, First}),
    Last.

start(Next) ->
    {ok, Member} = gen_server:start(?MODULE, Next, []),
    Member.

go_round(Ring, Hops) ->
    {Hops, Took} = stopwatch:timed(fun() -> gen_server:call(Ring, {ball, Hops}, infinity) end),
    {Hops, Took}.

init(Next) -> {ok, Next}.

handle_call({ball, Left}, From, Next) ->
    hand_on(0, Left, From, Next),
    {noreply, Next}.

handle_cast({next, Next}, none) ->
    {noreply, Next};
handle_cast({hop, Seen, Left, From}, Next) ->
    hand_on(Seen, Left, From, Next),
    {noreply, Next}.

hand_on(Seen, 1, From, _) -> gen_server:reply(From, Seen + 1);
hand_on(Seen, Left, From, Next) -> gen_server:cast(Next, {hop, Seen + 1, Left - 1, From}).
