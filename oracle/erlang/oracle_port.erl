%% Takes frames of histories from standard input, has a driver run them, and writes the traces to standard output.
-module(oracle_port).
-export([start/0]).

%% A driver that takes longer than this has lost its way.
-define(PATIENCE, 5000).

start() ->
    spawn(fun() ->
        Port = open_port({fd, 0, 1}, [binary, eof, {packet, 4}]),
        loop(Port)
    end).

loop(Port) ->
    receive
        {Port, {data, Frame}} ->
            {Driver, Histories} = binary_to_term(Frame),
            Traces = [run(Driver, History) || History <- Histories],
            port_command(Port, term_to_binary(Traces)),
            loop(Port);
        {Port, eof} ->
            erlang:halt(0)
    end.

%% Each history has a process of its own, so that nothing of one is left for the next: not even messages.
run(Driver, History) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({trace, Driver:run(History)}) end),
    receive
        {'DOWN', Monitor, process, Pid, {trace, Trace}} -> Trace;
        {'DOWN', Monitor, process, Pid, Reason} -> {driver_failed, atom_of(Reason)}
    after ?PATIENCE ->
        exit(Pid, kill),
        receive {'DOWN', Monitor, process, Pid, _} -> ok end,
        driver_stuck
    end.

%% The other side knows atoms only.
atom_of(Reason) ->
    list_to_atom(lists:sublist(lists:flatten(io_lib:format("~0p", [Reason])), 200)).
