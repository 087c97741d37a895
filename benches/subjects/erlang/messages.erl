%% W1 to W4 and W13: messages to one counter.
-module(messages).
-export([cast/2, call/2, median_of_calls/1, backlog/1]).

-define(TOLD, {1, 7}).
-define(SINGLE_CALLS, 20000).

cast({Counter, Producers}, Count) ->
    Each = Count div Producers,
    {CountBefore, SumBefore} = counter:total(Counter),
    {Total, Took} = stopwatch:timed(fun() ->
        stopwatch:together(Producers, fun(_) -> produce(Counter, 0, Each) end),
        counter:total(Counter)
    end),
    Total = {CountBefore + Each * Producers, SumBefore + Producers * (Each * (Each - 1) div 2)},
    {Each * Producers, Took}.

produce(_, Count, Count) -> 0;
produce(Counter, N, Count) ->
    counter:add(Counter, N),
    produce(Counter, N + 1, Count).

call({Counter, Callers}, Count) ->
    Each = (Count + Callers - 1) div Callers,
    Operations = Each * Callers,
    {Operations, Took} = stopwatch:timed(fun() ->
        stopwatch:together(Callers, fun(_) -> call(Counter, Each, 0) end)
    end),
    {Operations, Took}.

call(_, 0, Right) -> Right;
call(Counter, Left, Right) ->
    ?TOLD = counter:total(Counter),
    call(Counter, Left - 1, Right + 1).

%% What it takes to look at the clock is not the call's.
median_of_calls(Counter) ->
    Calls = [begin {?TOLD, Took} = stopwatch:timed(fun() -> counter:total(Counter) end), Took end
             || _ <- lists:seq(1, ?SINGLE_CALLS)],
    Clock = [element(2, stopwatch:timed(fun() -> ok end)) || _ <- lists:seq(1, ?SINGLE_CALLS)],
    max(0, median(Calls) - median(Clock)).

median(Times) -> lists:nth(length(Times) div 2, lists:sort(Times)).

%% Off the heap, as is recommended for a process whose queue gets long.
backlog(Count) ->
    Counter = counter:start([{spawn_opt, [{message_queue_data, off_heap}]}]),
    {0, 0} = counter:total(Counter),
    erlang:suspend_process(Counter),
    Before = stopwatch:resident(),
    produce(Counter, 0, Count),
    Grown = max(0, stopwatch:resident() - Before),
    {Total, Took} = stopwatch:timed(fun() ->
        erlang:resume_process(Counter),
        counter:total(Counter)
    end),
    Total = {Count, Count * (Count - 1) div 2},
    Kept = max(0, stopwatch:resident() - Before),
    [{"w13", Count, nanoseconds, Took}, {"w13b", Count, bytes, Grown}, {"w13k", Count, bytes, Kept}].
