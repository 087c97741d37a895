%% The clock of the supervisors that are compared: it stands still unless a history moves it.
-module(oracle_clock).
-export([seconds/0, reset/0, advance/1]).

%% Kept where reading is cheap; there is one history at a time.
seconds() ->
    case persistent_term:get(?MODULE, undefined) of
        undefined -> 0;
        Counter -> counters:get(Counter, 1)
    end.

reset() ->
    case persistent_term:get(?MODULE, undefined) of
        undefined -> persistent_term:put(?MODULE, counters:new(1, []));
        Counter -> counters:put(Counter, 1, 0)
    end.

advance(Seconds) ->
    counters:add(persistent_term:get(?MODULE), 1, Seconds).
