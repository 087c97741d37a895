%% Replays histories of a server, its parent and its callers, and returns what happened. The callbacks of the server are
%% in oracle_scripted.
%%
%% The server, its parent and the callers run at priority max and the driver at high on a single scheduler: when the
%% driver gets its turn again after a yield, nobody has anything left to do. Time passes only when a history says so:
%% the copies of gen and gen_server that are used here wait for a message of the driver's where OTP's wait for a timer.
-module(oracle_server).
-export([run/1, patience/1, log/2, reason/1, class/1]).

-define(SERVER, oracle_otp_gen_server).
-define(NAME, oracle_named).

-record(state, {
    parent,
    callers = #{},
    %% Number by pid, of callers.
    numbers = #{},
    %% The last server that has begun, and whether it lives.
    server = none,
    alive = none,
    named = false,
    %% Servers that have started well; of others a parent hears nothing.
    started = [],
    %% The server, while it is blocked in a callback; or while it waits for so long and no longer.
    blocked = none,
    patient = none,
    %% Callers that wait for so long and no longer.
    waiting = [],
    %% Replies that were handed on, each with its server, by the number of the call.
    handed = #{},
    %% Who has not come to the end of what he was told; he is told nothing else meanwhile.
    busy = []
}).

run({Callers, Steps}) ->
    process_flag(priority, high),
    listen(),
    Driver = self(),
    Spawn = fun(Body) -> erlang:spawn_opt(Body, [{priority, max}]) end,
    Pids = [{I, Spawn(fun() -> caller(Driver) end)} || I <- lists:seq(0, Callers - 1)],
    Parent = Spawn(fun() -> process_flag(trap_exit, true), parent(Driver) end),
    State = #state{
        parent = Parent,
        callers = maps:from_list(Pids),
        numbers = maps:from_list([{Pid, I} || {I, Pid} <- Pids])
    },
    steps(0, Steps, State, []).

steps(Number, [Step | Steps], State, Trace) ->
    {Events, After} = settle(do(Number, Step, State)),
    steps(Number + 1, Steps, After, [Events | Trace]);
steps(_, [], State = #state{blocked = Blocked}, Trace) when Blocked =/= none ->
    {Events, After} = settle(do(none, {unblock}, State)),
    steps(none, [], After, [Events | Trace]);
steps(_, [], State, Trace) ->
    case State#state.alive of
        none -> ok;
        Server -> exit(Server, kill)
    end,
    {Events, After} = settle(State),
    [exit(Pid, kill) || Pid <- [After#state.parent | maps:values(After#state.callers)]],
    erlang:yield(),
    lists:reverse(Trace, [Events]).

do(Number, {start, Tie, Name, Time, Init}, State = #state{alive = Alive, named = Named}) ->
    May = Alive =:= none orelse Named andalso Name =:= named,
    case May andalso not lists:member(parent, State#state.busy) of
        true ->
            State#state.parent ! {do, Number, {start, Tie, Name, Time, Init, State#state.callers}},
            busy(parent, State#state{named = Named andalso Alive =/= none orelse Name =:= named});
        false ->
            State
    end;
do(_, {unblock}, State = #state{blocked = none}) ->
    State;
do(_, {unblock}, State = #state{blocked = Server}) ->
    Server ! unblock,
    State#state{blocked = none};
do(_, {elapse}, State = #state{patient = Patient, waiting = Waiting, parent = Parent}) ->
    [Caller ! oracle_elapsed || Caller <- Waiting, Caller =/= Parent],
    %% Callers have less time than the server and its parent.
    erlang:yield(),
    [Parent ! oracle_elapsed || lists:member(Parent, Waiting)],
    case Patient of
        none -> void;
        _ -> Patient ! timeout
    end,
    State;
do(_, {answer, Tag}, State = #state{handed = Handed, alive = Alive}) ->
    case Handed of
        #{Tag := {Alive, From}} -> ?SERVER:reply(From, Tag);
        _ -> void
    end,
    State#state{handed = maps:remove(Tag, Handed)};
do(Number, Step, State = #state{busy = Busy, server = Server}) ->
    Who = element(2, Step),
    case lists:member(Who, Busy) of
        true -> State;
        false -> tell_who(Number, Who, Step, Server, State)
    end.

tell_who(Number, Who, {leave, Who, Reason}, _, State) ->
    who(Who, State) ! {do, Number, {leave, Reason}},
    State;
tell_who(Number, Who, {exit, Who, Reason}, Server, State) ->
    to_server(Who, pid, Server, State, fun(_) -> {do, Number, {exit, Server, Reason}} end);
tell_who(Number, Who, {call, Who, By, Time, Tag, Plan}, Server, State) ->
    Told = to_server(Who, By, Server, State, fun(To) -> {do, Number, {call, To, Time, Tag, Plan}} end),
    busy_if(By =:= name orelse Server =/= none, Who, Told);
tell_who(Number, Who, {cast, Who, By, Tag, Plan}, Server, State) ->
    to_server(Who, By, Server, State, fun(To) -> {do, Number, {cast, To, Tag, Plan}} end);
tell_who(Number, Who, {info, Who, Tag, Plan}, Server, State) ->
    to_server(Who, pid, Server, State, fun(To) -> {do, Number, {info, To, Tag, Plan}} end);
tell_who(Number, Who, {stop, Who, By, Time, Reason}, Server, State) ->
    Told = to_server(Who, By, Server, State, fun(To) -> {do, Number, {stop, To, Time, Reason}} end),
    busy_if(By =:= name orelse Server =/= none, Who, Told).

busy_if(true, Who, State) -> busy(Who, State);
busy_if(false, _, State) -> State.

busy(Who, State = #state{busy = Busy}) -> State#state{busy = [Who | Busy]}.

idle(Who, State = #state{busy = Busy}) -> State#state{busy = Busy -- [Who]}.

who(parent, #state{parent = Parent}) -> Parent;
who(I, #state{callers = Callers}) -> maps:get(I, Callers).

to_server(Who, name, _, State, Command) ->
    who(Who, State) ! Command(?NAME),
    State;
to_server(_, pid, none, State, _) ->
    State;
to_server(Who, pid, Server, State, Command) ->
    who(Who, State) ! Command(Server),
    State.

%% Everybody has done what there was to do; what they tell is sorted by who tells it.
settle(State) ->
    erlang:yield(),
    {Events, After} = drain(State, []),
    {[Event || {_, Event} <- lists:keysort(1, lists:reverse(Events))], After}.

drain(State, Events) ->
    receive
        {init, Server} ->
            %% It waits until its end can be seen.
            monitor(process, Server),
            Server ! go,
            erlang:yield(),
            drain(State#state{server = Server, alive = Server}, [event(server, init) | Events]);
        {server, Server, blocked} ->
            drain(State#state{blocked = Server, patient = none}, [event(server, blocked) | Events]);
        {server, Server, {handed, Tag, From}} ->
            Handed = (State#state.handed)#{Tag => {Server, From}},
            drain(State#state{handed = Handed}, Events);
        {server, _, Event} ->
            drain(State#state{patient = none}, [event(server, translate(Event, State)) | Events]);
        {patient, Server} ->
            drain(State#state{patient = Server}, Events);
        {waiting, Caller} ->
            drain(State#state{waiting = [Caller | State#state.waiting]}, Events);
        {waited, Caller} ->
            drain(State#state{waiting = State#state.waiting -- [Caller]}, Events);
        {caller, Caller, Event} ->
            Who = maps:get(Caller, State#state.numbers),
            drain(idle(Who, State), [event(Who, Event) | Events]);
        {started, Number, {ok, Server}} ->
            Started = [Server | State#state.started],
            drain(idle(parent, State#state{started = Started}), [event(parent, {started, Number, ok}) | Events]);
        {started, Number, Outcome} ->
            drain(idle(parent, State), [event(parent, {started, Number, outcome(Outcome)}) | Events]);
        {parent, {exit, Server, Reason}} ->
            case lists:member(Server, State#state.started) of
                true -> drain(State, [event(parent, {exit, class(Reason)}) | Events]);
                false -> drain(State, Events)
            end;
        {'DOWN', _, process, Server, Reason} ->
            After =
                case State#state.alive of
                    Server -> State#state{alive = none, patient = none, blocked = none};
                    _ -> State
                end,
            drain(After, [event(server, {died, class(Reason)}) | Events])
    after 0 -> {Events, State}
    end.

outcome(ignore) -> ignore;
outcome({error, {already_started, _}}) -> already_started;
outcome({error, Reason}) -> class(Reason).

event(parent, Event) -> {-2, {parent, Event}};
event(server, Event) -> {-1, {server, Event}};
event(Caller, Event) -> {Caller, {Caller, Event}}.

translate({Kind, Pid, Reason}, State = #state{parent = Parent}) when is_pid(Pid) ->
    case State#state.numbers of
        #{Pid := Number} -> {Kind, Number, class(Reason)};
        _ when Pid =:= Parent -> {Kind, parent, class(Reason)};
        _ -> {Kind, unknown, class(Reason)}
    end;
translate(Event, _) ->
    Event.

reason(shutdown_with) -> {shutdown, with};
reason(Reason) -> Reason.

%% Reasons as they are compared: whatever has a stack is an error; of what a call or stop adds nothing is kept.
class({shutdown, with}) -> shutdown_with;
class({Reason, {Module, Function, Arguments}}) when is_atom(Module), is_atom(Function), is_list(Arguments) ->
    class(Reason);
class({_, Stack}) when is_list(Stack) -> error;
class(Reason) -> Reason.

%% The parent: starts servers, and tells of their ends.
parent(Driver) ->
    receive
        {do, Number, {start, Tie, Name, Time, Init, Callers}} ->
            Outcome = in_time(Time, Driver, fun(T) -> start(Tie, Name, T, {Driver, Callers, Init}) end),
            Driver ! {started, Number, Outcome};
        oracle_elapsed ->
            ok;
        {do, _, {exit, Server, Reason}} ->
            exit(Server, reason(Reason));
        {do, _, {leave, Reason}} ->
            exit(reason(Reason));
        {'EXIT', Server, Reason} ->
            Driver ! {parent, {exit, Server, Reason}}
    end,
    parent(Driver).

start(Tie, Name, Time, Arguments) ->
    Options = [{timeout, Time}, {spawn_opt, [{priority, max}]}],
    case {Tie, Name} of
        {link, named} -> ?SERVER:start_link({local, ?NAME}, oracle_scripted, Arguments, Options);
        {link, unnamed} -> ?SERVER:start_link(oracle_scripted, Arguments, Options);
        {nolink, named} -> ?SERVER:start({local, ?NAME}, oracle_scripted, Arguments, Options);
        {nolink, unnamed} -> ?SERVER:start(oracle_scripted, Arguments, Options)
    end.

%% A caller: asks, and tells what it was answered.
caller(Driver) ->
    receive
        {do, Number, Command} ->
            case ask(Command, Driver) of
                none -> ok;
                Result -> Driver ! {caller, self(), {result, Number, Result}}
            end;
        oracle_elapsed ->
            ok;
        _ ->
            Driver ! {caller, self(), stray}
    end,
    caller(Driver).

ask({call, Server, Time, Tag, Plan}, Driver) ->
    in_time(Time, Driver, fun(T) -> {ok, ?SERVER:call(Server, {Tag, Plan}, T)} end);
ask({cast, Server, Tag, Plan}, _) ->
    ?SERVER:cast(Server, {Tag, Plan}),
    none;
ask({info, Server, Tag, Plan}, _) ->
    Server ! {info, Tag, Plan},
    none;
ask({stop, Server, Time, Reason}, Driver) ->
    in_time(Time, Driver, fun(T) -> ?SERVER:stop(Server, reason(Reason), T) end);
ask({exit, Server, Reason}, _) ->
    exit(Server, reason(Reason)),
    none;
ask({leave, Reason}, _) ->
    exit(reason(Reason)).

%% Does something that takes time; the driver knows who has little of it.
in_time(infinity, _, Do) ->
    try
        Do(infinity)
    catch
        exit:Reason -> class(Reason)
    end;
in_time(short, Driver, Do) ->
    Driver ! {waiting, self()},
    Result =
        try
            Do(10)
        catch
            exit:Reason -> class(Reason)
        end,
    Driver ! {waited, self()},
    Result.

%% The server's own waiting: where OTP's would start a timer, the driver is told.
patience(Time) when Time =:= 0; Time =:= infinity ->
    Time;
patience(_) ->
    get(driver) ! {patient, self()},
    infinity.

%% Crash reports are heard by the process that crashes.
listen() ->
    case persistent_term:get(?MODULE, deaf) of
        deaf ->
            persistent_term:put(?MODULE, listens),
            logger:remove_handler(default),
            logger:set_primary_config(level, error),
            ok = logger:add_handler(oracle, ?MODULE, #{level => error}),
            warm_up();
        listens ->
            ok
    end.

%% Whoever waits for code to be loaded is not seen to have something to do. So all of it is needed before.
warm_up() ->
    Plain = {[], false, reply, none},
    Start = fun(Tie, Name, Plan) -> {start, Tie, Name, short, {true, {ok, false, reply}, Plan}} end,
    Ends = [{stop_reply, a}, {stop, b}, error, {exit, shutdown}],
    Deaths = [
        [
            Start(link, named, {[], false, reply, {continue, 1, {[], false, reply, hibernate}}}),
            {call, 0, name, short, 2, {[early, self_call, {watch, 1}], false, keep, {timeout, short, Plain}}},
            {elapse},
            {call, 1, pid, infinity, 3, {[], false, End, none}},
            {stop, 0, pid, short, normal}
        ]
     || End <- Ends
    ],
    Failures = [Start(link, unnamed, {[], false, Then, none}) || Then <- [ignore, {stop, a}, error, {exit, b}]],
    Rest = [
        Start(nolink, named, Plain),
        Start(link, named, Plain),
        {info, 0, 4, {[{self_cast, 5, Plain}], true, reply, none}},
        {stop, 1, name, short, a},
        {exit, 0, b},
        {elapse},
        {unblock},
        {leave, 0, a},
        Start(link, unnamed, {[], true, reply, none}),
        {elapse},
        Start(link, unnamed, Plain),
        {leave, parent, normal}
    ],
    load(fun() -> run({2, lists:append(Deaths ++ [Failures, Rest])}) end).

%% Does it until nothing more is loaded for it.
load(Do) ->
    Before = length(code:all_loaded()),
    Do(),
    receive
    after 20 -> ok
    end,
    flush(),
    case length(code:all_loaded()) of
        Before -> ok;
        _ -> load(Do)
    end.

flush() ->
    receive
        _ -> flush()
    after 0 -> ok
    end.

log(#{msg := {report, #{label := {proc_lib, crash}}}}, _) ->
    case get(driver) of
        undefined -> ok;
        Driver -> Driver ! {server, self(), crash_report}
    end;
log(_, _) ->
    ok.
