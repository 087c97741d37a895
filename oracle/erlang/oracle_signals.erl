%% Replays histories of links, monitors, exit signals and messages between processes, and returns what happened.
%%
%% Each process is a robot that does what it is told, one command at a time. Robots run at priority max and the driver
%% at high on a single scheduler, so when the driver gets its turn again after a yield, no robot has anything left to
%% do. A robot that is held runs at normal, which is never while the driver can run: signals and commands pile up in
%% front of it in the order in which they were sent. It is let go by having the driver wait for it.
-module(oracle_signals).
-export([run/1]).

-record(state, {
    %% Pid by number, and number by pid.
    pids = #{},
    numbers = #{},
    %% The driver's own monitors: number by reference. Who is in here lives, as far as the driver has heard.
    watched = #{},
    %% Monitors of robots, by the number of the step that made them.
    monitors = #{},
    held = none
}).

run({Robots, Steps}) ->
    process_flag(priority, high),
    State = lists:foldl(
        fun({Trap, Manner}, State) ->
            Driver = self(),
            Pid = erlang:spawn_opt(
                fun() -> start(Driver, Trap, Manner) end, [{priority, max}]
            ),
            welcome(Pid, State)
        end,
        #state{},
        Robots
    ),
    erlang:yield(),
    steps(0, Steps, State, []).

welcome(Pid, State = #state{pids = Pids, numbers = Numbers, watched = Watched}) ->
    Number = map_size(Pids),
    State#state{
        pids = Pids#{Number => Pid},
        numbers = Numbers#{Pid => Number},
        watched = Watched#{monitor(process, Pid) => Number}
    }.

steps(Number, [Step | Steps], State, Trace) ->
    {Events, After} = settle(do(Number, Step, State)),
    steps(Number + 1, Steps, After, [Events | Trace]);
steps(Number, [], State, Trace) ->
    {Released, State1} = settle(do(Number, {release}, State)),
    Alive = maps:values(State1#state.watched),
    [command(I, Number, tell_all, State1) || I <- Alive],
    {Last, State2} = settle(State1),
    [exit(maps:get(I, State2#state.pids), kill) || I <- Alive],
    erlang:yield(),
    lists:reverse(Trace, [Released, Last]).

%% What the driver does itself, or has a robot do.
do(Number, {hold, I}, State = #state{held = none}) ->
    case lives(I, State) of
        true ->
            command(I, Number, hold, State),
            State#state{held = I};
        false ->
            State
    end;
do(_, {hold, _}, State) ->
    State;
do(_, {release}, State = #state{held = none}) ->
    State;
do(Number, {release}, State = #state{held = I}) ->
    command(I, Number, release, State),
    process_flag(priority, normal),
    Pid = maps:get(I, State#state.pids),
    receive
        {released, Pid} -> ok;
        {'DOWN', _, process, Pid, _} = Down -> self() ! Down
    end,
    %% If it has ended, it still has to answer those whose links and monitors came too late.
    [erlang:yield() || _ <- lists:seq(1, 16)],
    process_flag(priority, high),
    State#state{held = none};
do(_, {outside, J, Reason}, State) ->
    with(J, State, fun(Pid) -> exit(Pid, reason(Reason)) end);
do(Number, {Op, I}, State) ->
    command(I, Number, Op, State);
do(Number, {disown, I, Made}, State = #state{monitors = Monitors}) ->
    case Monitors of
        #{Made := Monitor} -> command(I, Number, {disown, Monitor}, State);
        _ -> State
    end;
do(Number, {Op, I, X}, State) when Op =:= trap; Op =:= leave; Op =:= demonitor; Op =:= demonitor_flush ->
    command(I, Number, {Op, X}, State);
do(Number, {spawn, I, Tie, Manner}, State) ->
    command(I, Number, {spawn, Tie, Manner, self()}, State);
do(Number, {Op, I, J}, State) ->
    with(J, State, fun(Pid) -> command(I, Number, {Op, Pid}, State) end);
do(Number, {Op, I, J, X}, State) ->
    with(J, State, fun(Pid) -> command(I, Number, {Op, Pid, X}, State) end).

lives(I, #state{watched = Watched}) ->
    lists:member(I, maps:values(Watched)).

with(I, State = #state{pids = Pids}, Do) ->
    case Pids of
        #{I := Pid} -> Do(Pid);
        _ -> void
    end,
    State.

command(I, Number, Command, State) ->
    with(I, State, fun(Pid) -> Pid ! {do, Number, Command} end).

%% Everybody has done what there was to do; what they tell is sorted by robot, and otherwise stays in its order.
settle(State) ->
    erlang:yield(),
    {Events, After} = drain(State, []),
    {[Event || {_, Event} <- lists:keysort(1, lists:reverse(Events))], After}.

drain(State, Events) ->
    receive
        {result, Pid, Number, Value} ->
            I = maps:get(Pid, State#state.numbers),
            drain(State, [{I, {result, I, Number, value(Value)}} | Events]);
        {monitor, Pid, Number, Monitor} ->
            I = maps:get(Pid, State#state.numbers),
            Monitors = (State#state.monitors)#{Number => Monitor, Monitor => Number},
            drain(State#state{monitors = Monitors}, [{I, {result, I, Number, monitor}} | Events]);
        {spawned, Pid, Number, Child} ->
            born(Pid, Number, Child, State, Events);
        {got, Pid, Item} ->
            I = maps:get(Pid, State#state.numbers),
            drain(State, [{I, {got, I, item(Item, State)}} | Events]);
        {facts, Pid, Facts} ->
            I = maps:get(Pid, State#state.numbers),
            drain(State, [{I, facts(I, Facts, State)} | Events]);
        {spawned, Pid, Number, Child, Monitor} ->
            Monitors = (State#state.monitors)#{Number => Monitor, Monitor => Number},
            born(Pid, Number, Child, State#state{monitors = Monitors}, Events);
        {released, _} ->
            drain(State, Events);
        {'DOWN', Monitor, process, _, Reason} ->
            {I, Watched} = maps:take(Monitor, State#state.watched),
            drain(State#state{watched = Watched}, [{I, {died, I, class(Reason)}} | Events])
    after 0 -> {Events, State}
    end.

born(Pid, Number, Child, State, Events) ->
    I = maps:get(Pid, State#state.numbers),
    Known = welcome(Child, State),
    %% If it has ended already, the driver hears of it now.
    erlang:yield(),
    drain(Known, [{I, {result, I, Number, spawned}} | Events]).

value({reason, Reason}) -> class(Reason);
value(Value) -> Value.

item({note, From, Tag}, State) -> {note, number(From, State), Tag};
item({'EXIT', From, Reason}, State) -> {exit, number(From, State), class(Reason)};
item({'DOWN', Monitor, process, From, Reason}, State) ->
    {down, maps:get(Monitor, State#state.monitors, unknown), number(From, State), class(Reason)}.

number(Pid, #state{numbers = Numbers}) when Pid =/= self() -> maps:get(Pid, Numbers, unknown);
number(_, _) -> outside.

facts(I, Facts, State) ->
    [{links, Links}, {trap_exit, Trap}, {monitors, Monitors}, {monitored_by, Watchers}] = Facts,
    {facts, I, lists:sort([number(Link, State) || Link <- Links]), Trap, length(Monitors), length(Watchers)}.

reason(shutdown_with) -> {shutdown, with};
reason(Reason) -> Reason.

%% Reasons as they are compared: whatever has a stack is an error, and the one of a link is told apart.
class({shutdown, with}) -> shutdown_with;
class({noproc, [_ | _]}) -> link_failed;
class({_, Stack}) when is_list(Stack) -> error;
class(Reason) -> Reason.

%% A robot. Eager ones take everything as it comes; lazy ones leave everything but commands where it is.
start(Driver, Trap, Manner) ->
    process_flag(trap_exit, Trap),
    loop(Driver, Manner).

loop(Driver, eager) ->
    receive
        {do, Number, Command} -> obey(Driver, Number, Command);
        Item -> Driver ! {got, self(), Item}
    end,
    loop(Driver, eager);
loop(Driver, lazy) ->
    receive
        {do, Number, Command} -> obey(Driver, Number, Command)
    end,
    loop(Driver, lazy).

obey(Driver, Number, Command) ->
    case perform(Command, Number) of
        none -> ok;
        {released} -> Driver ! {released, self()};
        {monitor, Monitor} -> Driver ! {monitor, self(), Number, Monitor};
        {spawned, Child, Monitor} -> Driver ! {spawned, self(), Number, Child, Monitor};
        {spawned, Child} -> Driver ! {spawned, self(), Number, Child};
        {collected, Items} ->
            [Driver ! {got, self(), Item} || Item <- Items];
        {tell_all, Items, Facts} ->
            [Driver ! {got, self(), Item} || Item <- Items],
            Driver ! {facts, self(), Facts};
        Value -> Driver ! {result, self(), Number, Value}
    end.

perform(hold, _) ->
    process_flag(priority, normal),
    none;
perform(release, _) ->
    process_flag(priority, max),
    {released};
perform({trap, Trap}, _) ->
    process_flag(trap_exit, Trap);
perform({link, Pid}, _) ->
    link(Pid),
    linked;
perform({try_link, Pid}, _) ->
    try
        link(Pid),
        linked
    catch
        error:noproc -> noproc
    end;
perform({unlink, Pid}, _) ->
    unlink(Pid),
    none;
perform({unlink_flush, Pid}, _) ->
    unlink(Pid),
    receive
        {'EXIT', Pid, Reason} -> {reason, Reason}
    after 0 -> nothing
    end;
perform({monitor, Pid}, Number) ->
    Monitor = monitor(process, Pid),
    put({monitor, Number}, Monitor),
    {monitor, Monitor};
perform({demonitor, Made}, _) ->
    case get({monitor, Made}) of
        undefined -> none;
        Monitor -> demonitor(Monitor, [info])
    end;
perform({demonitor_flush, Made}, _) ->
    case get({monitor, Made}) of
        undefined ->
            none;
        Monitor ->
            case demonitor(Monitor, [info]) of
                true ->
                    nothing;
                false ->
                    receive
                        {'DOWN', Monitor, process, _, Reason} -> {reason, Reason}
                    after 0 -> nothing
                    end
            end
    end;
perform({disown, Monitor}, _) ->
    try
        demonitor(Monitor, [info])
    catch
        error:badarg -> false
    end;
perform({exit, Pid, Reason}, _) ->
    exit(Pid, reason(Reason)),
    none;
perform({kill_alive, Pid}, _) ->
    exit(Pid, kill),
    is_process_alive(Pid);
perform({alive, Pid}, _) ->
    is_process_alive(Pid);
perform({note, Pid, Tag}, _) ->
    Pid ! {note, self(), Tag},
    none;
perform(collect, _) ->
    {collected, collect()};
perform(tell_all, _) ->
    {tell_all, collect(), process_info(self(), [links, trap_exit, monitors, monitored_by])};
perform({leave, Reason}, _) ->
    leave(Reason);
perform({spawn, Tie, Manner, Driver}, Number) ->
    Body = fun() -> live(Manner, Driver) end,
    case Tie of
        none ->
            {spawned, erlang:spawn_opt(Body, [{priority, max}])};
        link ->
            {spawned, erlang:spawn_opt(Body, [link, {priority, max}])};
        monitor ->
            {Child, Monitor} = erlang:spawn_opt(Body, [monitor, {priority, max}]),
            put({monitor, Number}, Monitor),
            {spawned, Child, Monitor}
    end.

live({ends, Reason}, _) -> leave(Reason);
live({robot, Trap, Manner}, Driver) -> start(Driver, Trap, Manner).

leave(error) -> error(boom);
leave(throw) -> throw(boom);
leave(Reason) -> exit(reason(Reason)).

collect() ->
    receive
        {note, _, _} = Item -> [Item | collect()];
        {'EXIT', _, _} = Item -> [Item | collect()];
        {'DOWN', _, _, _, _} = Item -> [Item | collect()]
    after 0 -> []
    end.
