%% Erlang/OTP: gen_servers and supervisors, made to do what the subjects in Rust are made to do.
%%
%% Called as these are (`sample w3 ct 200`), prints what they print. How many schedulers there are says whoever starts it.
-module(subject).
-export([main/0]).

-define(CASTS, 1000000).
-define(MANY, 100000).

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

sample("w1", _) -> [often("w1", fun messages:cast/2, {counter:start(), 1}, ?CASTS)];
sample("w2", _) -> [often("w2", fun messages:cast/2, {counter:start(), 8}, ?CASTS)];
sample("w3", Time) ->
    Counter = counter:told(),
    Rate = long_enough("w3", fun messages:call/2, {Counter, 1}, Time),
    [Rate, {"w3p", 1, nanoseconds, messages:median_of_calls(Counter)}];
sample("w4", Time) -> [long_enough("w4", fun messages:call/2, {counter:told(), 64}, Time)];
sample("w5", Time) -> [long_enough("w5", fun player:play/2, none, Time)];
sample("w6", Time) -> [long_enough("w6", fun member:go_round/2, member:ring(10000), Time)];
sample("w7", Time) -> [long_enough("w7", fun lives:life/2, none, Time)];
sample("w7d", Time) -> [long_enough("w7d", fun lives:supervised/2, counter:pool(), Time)];
sample("w7s", _) ->
    {_, WarmUp} = lives:spawn_counters(?MANY div 10),
    {Took, Counters} = lives:spawn_counters(?MANY),
    [{0, 0} = counter:total(Counter) || Counter <- WarmUp ++ Counters],
    [{"w7s", ?MANY, nanoseconds, Took}];
sample("w8", _) -> [{"w8", ?MANY, bytes, lives:idle(?MANY)}];
sample("w9", Time) -> [long_enough("w9", fun hub:broadcast/2, hub:start(1000), Time)];
sample("w10", _) ->
    tree:timed(?MANY div 10),
    {Nodes, Took} = tree:timed(?MANY),
    [{"w10", Nodes, nanoseconds, Took}];
sample("w11", Time) -> [long_enough("w11", fun flock:crash/2, flock:start(1, panic), Time)];
sample("w11e", Time) -> [long_enough("w11e", fun flock:crash/2, flock:start(1, error), Time)];
sample("w11k", Time) -> [long_enough("w11k", fun flock:crash/2, flock:start(1000, error), Time)];
sample("w12", Time) ->
    Names = names:start(?MANY),
    [long_enough("w12", fun names:find/2, {Names, 1}, Time),
     long_enough("w12x8", fun names:find/2, {Names, 8}, Time)];
sample("w13", _) -> messages:backlog(10000000).

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
