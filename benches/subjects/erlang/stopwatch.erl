%% Time, memory, and work that several processes share.
-module(stopwatch).
-export([timed/1, together/2, resident/0]).

%% What a function gives, and how many nanoseconds it takes.
timed(Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Result = Work(),
    {Result, erlang:monotonic_time(nanosecond) - Start}.

%% Has so many processes do the same, and gives the sum of what comes of it. One does it itself.
together(1, Work) ->
    Work(0);
together(Number, Work) ->
    Self = self(),
    Workers = [spawn_link(fun() -> Self ! {self(), Work(N)} end) || N <- lists:seq(0, Number - 1)],
    lists:sum([receive {Worker, Result} -> Result end || Worker <- Workers]).

%% The resident memory of the emulator, in bytes.
resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kibibytes]} = re:run(Status, "VmRSS:\\s*([0-9]+) kB", [{capture, all_but_first, list}]),
    list_to_integer(Kibibytes) * 1024.
