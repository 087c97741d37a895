%% Erlang/OTP: gen_servers and supervisors, made to do what the subjects in Rust are made to do.
%%
%% Called as these are (`sample w3 ct 200`), prints what they print. How many schedulers there are says whoever starts it.
-module(subject).
-export([main/0]).


main() ->
    %% Those that are to crash are not to be heard of.
    logger:set_primary_config(level, none),
    ["sample", Workload, _Flavor, Milliseconds] = init:get_plain_arguments(),
    Self = self(),
    {_, Monitor} = spawn_monitor(fun() -> Self ! {figures, sample(Workload, list_to_integer(Milliseconds))} end),
    receive
        {figures, Figures} ->
            lists:foreach(fun print/1, Figures),
            halt(0);
        {'DOWN', Monitor, process, _, Reason} ->
            io:format(standard_error, "erlang: ~p~n", [Reason]),
            halt(1)
    end.

print({Row, Operations, Unit, Number}) ->
    io:format("{\"row\":\"~s\",\"operations\":~b,\"~s\":~b}~n", [Row, Operations, Unit, Number]).

sample("w1", Time) -> [often("w1", fun messages:cast/2, {counter:start(), 1}, some(1000000, Time))];
sample("w2", Time) -> [often("w2", fun messages:cast/2, {counter:start(), 8}, some(1000000, Time))];
sample("w3", Time) ->
    Counter = counter:told(),
    Rate = long_enough("w3", fun messages:call/2, {Counter, 1}, Time),
    [Rate, {"w3p", 1, nanoseconds, messages:median_of_calls(Counter)}];
sample("w4", Time) -> [long_enough("w4", fun messages:call/2, {counter:told(), 64}, Time)];
sample("w5", Time) -> [long_enough("w5", fun player:play/2, none, Time)];
sample("w6", Time) -> [long_enough("w6", fun member:go_round/2, member:ring(10000), Time)];
sample("w7", Time) -> [long_enough("w7", fun lives:life/2, none, Time)];
sample("w7d", Time) -> [long_enough("w7d", fun lives:supervised/2, counter:pool(), Time)];
sample("w7s", Time) ->
    Many = some(100000, Time),
    {_, WarmUp} = lives:spawn_counters(Many div 10),
    {Took, Counters} = lives:spawn_counters(Many),
    [{0, 0} = counter:total(Counter) || Counter <- WarmUp ++ Counters],
    [{"w7s", Many, nanoseconds, Took}];
sample("w8", Time) ->
    Many = some(100000, Time),
    [{"w8", Many, bytes, lives:idle(Many)}];
sample("w9", Time) -> [long_enough("w9", fun hub:broadcast/2, hub:start(1000), Time)];
sample("w10", Time) ->
    Leaves = some(100000, Time),
    tree:timed(Leaves div 10),
    {Nodes, Took} = tree:timed(Leaves),
    [{"w10", Nodes, nanoseconds, Took}];
sample("w11", Time) -> [long_enough("w11", fun flock:crash/2, flock:start(1, panic), Time)];
sample("w11e", Time) -> [long_enough("w11e", fun flock:crash/2, flock:start(1, error), Time)];
sample("w11k", Time) -> [long_enough("w11k", fun flock:crash/2, flock:start(1000, error), Time)];
sample("w12", Time) ->
    Names = names:start(some(100000, Time)),
    [long_enough("w12", fun names:find/2, {Names, 1}, Time),
     long_enough("w12x8", fun names:find/2, {Names, 8}, Time)];
sample("w13", Time) -> messages:backlog(some(10000000, Time)).

%% Where it matters how many there are, it must be as many for all: a tenth if there is little time.
some(Number, Milliseconds) when Milliseconds < 100 -> Number div 10;
some(Number, _) -> Number.

%% So many times, after a tenth of that to warm up.
often(Row, Load, Argument, Count) ->
    Load(Argument, Count div 10),
    {Operations, Took} = Load(Argument, Count),
    {Row, Operations, nanoseconds, Took}.

%% More and more often, until that takes about Time. The first times are slow; they only tell how to go on.
long_enough(Row, Load, Argument, Milliseconds) ->
    go_on(Row, Load, Argument, Milliseconds * 1000000, Load(Argument, 64)).

go_on(Row, Load, Argument, Time, {Operations, Took}) ->
    More = min(16.0, max(1.0, Time / Took)),
    case Load(Argument, ceil(Operations * More)) of
        {Count, Enough} when Enough * 2 >= Time -> {Row, Count, nanoseconds, Enough};
        TooShort -> go_on(Row, Load, Argument, Time, TooShort)
    end.
