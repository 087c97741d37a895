%% W7, W7d, W7s and W8: counters that come and go, or come and stay.
-module(lives).
-export([life/2, supervised/2, spawn_counters/1, idle/1]).

life(_, Count) ->
    {ok, Took} = stopwatch:timed(fun() -> each_life(Count) end),
    {Count, Took}.

each_life(0) -> ok;
each_life(Left) ->
    Counter = counter:start(),
    counter:add(Counter, 1),
    {1, 1} = counter:total(Counter),
    ok = counter:stop(Counter),
    each_life(Left - 1).

supervised(Pool, Count) ->
    {ok, Took} = stopwatch:timed(fun() -> each_supervised(Pool, Count) end),
    {Count, Took}.

each_supervised(_, 0) -> ok;
each_supervised(Pool, Left) ->
    Counter = counter:start_child(Pool),
    counter:add(Counter, 1),
    {1, 1} = counter:total(Counter),
    counter:stop_child(Pool, Counter),
    each_supervised(Pool, Left - 1).

%% How long it takes, and who was started.
spawn_counters(Count) ->
    {Counters, Took} = stopwatch:timed(fun() ->
        [Last | _] = Counters = [counter:start() || _ <- lists:seq(1, Count)],
        {0, 0} = counter:total(Last),
        Counters
    end),
    {Took, Counters}.

idle(Count) ->
    {0, 0} = counter:total(counter:start()),
    Numbers = lists:seq(1, Count),
    Before = stopwatch:resident(),
    Counters = [counter:start() || _ <- Numbers],
    Grown = max(0, stopwatch:resident() - Before),
    [{0, 0} = counter:total(Counter) || Counter <- Counters],
    Grown.
