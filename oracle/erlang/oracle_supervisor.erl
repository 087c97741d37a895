%% Replays a history on OTP's supervisor, whose name and clock have been replaced, and returns its trace.
%%
%% How order is controlled: before anything happens to a supervisor its process is suspended. Children then die one
%% by one, each waited for until its exit is seen in the supervisor's mailbox, and requests are sent without waiting
%% for answers. When it is resumed, the supervisor finds everything in exactly the order of the history.
%%
%% How the end of the consequences is known: supervisors and children run at high priority, so on one scheduler this
%% process runs only when they have nothing to do; that they really wait is checked.
-module(oracle_supervisor).
-export([run/1, init/1, start/4, start_dynamic/6]).

-define(OTP, oracle_otp_supervisor).

%% What a history knows: who was born as what, and who the suspended supervisor is.
-record(world, {table, born = #{}, names = #{}, sups = #{}, root, trace = []}).

run({history, Sup, Batches, End, _}) ->
    process_flag(trap_exit, true),
    oracle_clock:reset(),
    Table = ets:new(attempts, [public]),
    World0 = #world{table = Table},
    case ?OTP:start_link(?MODULE, {self(), Table, [], 1, Sup}) of
        {ok, Root} ->
            World1 = settle(World0#world{root = Root}),
            World2 = batches(Batches, flush({started, ok}, World1)),
            World3 = finish(End, World2),
            clean(World3),
            lists:reverse(World3#world.trace);
        {error, Reason} ->
            World1 = settle(World0),
            World2 = flush({started, start_failure(Reason)}, World1),
            World3 = note({survivors, survivors(World2)}, World2),
            clean(World3),
            lists:reverse(World3#world.trace);
        ignore ->
            [ignored]
    end.

%%% What the supervisors call.

init({Driver, Table, Path, N, {sup, Strategy, Intensity, Period, Auto, Specs}}) ->
    process_flag(priority, high),
    Driver ! {born_sup, Path, N, self()},
    Flags = #{strategy => Strategy, intensity => Intensity, period => Period, auto_shutdown => Auto},
    {ok, {Flags, [child_spec(Driver, Table, Path, Strategy, Spec) || Spec <- Specs]}}.

child_spec(Driver, Table, Path, Strategy, {spec, Id, Restart, Shutdown, Significant, Body, _} = Spec) ->
    Start =
        case Strategy of
            simple_one_for_one -> {?MODULE, start_dynamic, [Driver, Table, Path, Spec]};
            _ -> {?MODULE, start, [Driver, Table, Path ++ [Id], Spec]}
        end,
    #{id => Id, start => Start, restart => Restart, shutdown => time(Shutdown, Body), significant => Significant,
      type => type(Body)}.

%% The stubborn are killed after the shortest time there is; nobody else ever needs his.
time(timeout, stubborn) -> 1;
time(timeout, _) -> 5000;
time(Other, _) -> Other.

type({sup, _, _, _, _, _}) -> supervisor;
type(_) -> worker.

start_dynamic(Driver, Table, Path, {spec, Id, Restart, Shutdown, Significant, Body, _}, DynamicId, Plan) ->
    start(Driver, Table, Path ++ [DynamicId], {spec, Id, Restart, Shutdown, Significant, Body, Plan}).

start(Driver, Table, Path, {spec, _, _, _, _, Body, Plan}) ->
    N = ets:update_counter(Table, Path, 1, {Path, 0}),
    Driver ! {trace, {start, Path, N}},
    case N > length(Plan) orelse lists:nth(N, Plan) of
        error -> {error, failed};
        ignore -> ignore;
        panic -> error(boom);
        _ -> start_body(Driver, Table, Path, N, Body)
    end.

start_body(Driver, Table, Path, N, {sup, _, _, _, _, _} = Sup) ->
    ?OTP:start_link(?MODULE, {Driver, Table, Path, N, Sup});
start_body(Driver, _, Path, N, Body) ->
    Parent = self(),
    Pid = spawn_opt(fun() -> child(Driver, Parent, Path, N, Body) end, [link, {priority, high}]),
    %% A child that traps has to have said so before it can be stopped.
    receive {ready, Pid} -> ok end,
    Driver ! {born, Path, N, Pid},
    {ok, Pid}.

%%% Children.

child(_, Parent, _, _, plain) ->
    Parent ! {ready, self()},
    receive {die, How} -> end_with(How) end;
child(Driver, Parent, Path, N, Body) ->
    process_flag(trap_exit, true),
    Parent ! {ready, self()},
    trapping(Driver, Parent, Path, N, Body).

trapping(Driver, Parent, Path, N, Body) ->
    receive
        {die, How} ->
            end_with(How);
        {'EXIT', Parent, Reason} ->
            Driver ! {trace, {terminate, Path, N, class(Reason)}},
            case Body of
                graceful -> exit(Reason);
                clumsy -> error(stumbled);
                stubborn -> receive after infinity -> ok end
            end;
        {'EXIT', _, _} ->
            trapping(Driver, Parent, Path, N, Body)
    end.

end_with(normal) -> exit(normal);
end_with(shutdown) -> exit(shutdown);
end_with(shutdown_with) -> exit({shutdown, why});
end_with(kill) -> exit(kill);
end_with(panic) -> error(boom);
end_with(error) -> exit(failed);
end_with(custom) -> exit({custom, 1});
end_with(noproc) -> exit(noproc).

%%% Batches.

batches([], World) -> World;
batches([{batch, Path, Acts} | Others], World) ->
    case alive([], World) of
        none -> World;
        _ -> batches(Others, batch(Path, Acts, World))
    end.

batch(Path, Acts, World) ->
    case supervisor(Path, World) of
        none ->
            note({nobody, Path}, World);
        Sup ->
            erlang:suspend_process(Sup),
            {Requests, World1} = acts(Acts, Path, Sup, [], World),
            _ = (catch erlang:resume_process(Sup)),
            World2 = flush(done, settle(World1)),
            World3 = lists:foldl(fun answer/2, World2, Requests),
            observe(Path, World3)
    end.

acts([], _, _, Requests, World) ->
    {lists:reverse(Requests), World};
acts([Act | Others], Path, Sup, Requests, World) ->
    case act(Act, Path, Sup, World) of
        {request, Request} ->
            Id = gen_server:send_request(Sup, Request),
            acts(Others, Path, Sup, [{Id, Request} | Requests], World);
        World1 ->
            acts(Others, Path, Sup, Requests, World1)
    end.

act({die, Id, How}, Path, Sup, World) ->
    die(Path ++ [Id], How, Sup, World);
act({advance, Seconds}, _, _, World) ->
    oracle_clock:advance(Seconds),
    World;
act(stop, _, Sup, World) ->
    exit(Sup, shutdown),
    World;
act(kill, _, Sup, World) ->
    exit(Sup, kill),
    note(kill, World);
act({start_child, Spec}, Path, _, #world{table = Table}) ->
    {request, {start_child, child_spec(self(), Table, Path, one_for_one, Spec)}};
act({start_dynamic, Id, Plan}, _, _, _) ->
    {request, {start_child, [Id, Plan]}};
act({terminate_dynamic, Id}, Path, _, World) ->
    case whom(Path ++ [Id], World) of
        none -> note({nobody, Path ++ [Id]}, World);
        Pid -> {request, {terminate_child, Pid}}
    end;
act(Request, _, _, _) ->
    {request, Request}.

%% Whom one may want to terminate: dead or alive, but for supervisors, which are known while they live.
whom(Path, World = #world{born = Born, sups = Sups}) ->
    case maps:find(Path, Born) of
        {ok, {_, Pid}} when is_map_key(Pid, Sups) -> alive(Path, World);
        {ok, {_, Pid}} -> Pid;
        error -> none
    end.

die(Path, How, Sup, World) ->
    case alive(Path, World) of
        none ->
            note({nobody, Path}, World);
        Pid ->
            Monitor = monitor(process, Pid),
            case How of
                killed -> exit(Pid, kill);
                _ -> Pid ! {die, How}
            end,
            receive {'DOWN', Monitor, process, Pid, _} -> ok end,
            seen(Pid, Sup),
            {N, Pid} = maps:get(Path, World#world.born),
            note({died, Path, N}, World)
    end.

%% Waits until the exit of a process is in the mailbox of the supervisor that is suspended.
seen(Pid, Sup) ->
    case process_info(Sup, messages) of
        undefined ->
            ok;
        {messages, Messages} ->
            IsExit = fun({'EXIT', From, _}) -> From =:= Pid; (_) -> false end,
            lists:any(IsExit, Messages) orelse begin erlang:yield(), seen(Pid, Sup) end
    end.

%% The answer to a request, if it has come: all consequences are over.
answer({Id, Request}, World) ->
    case gen_server:receive_response(Id, 0) of
        {reply, Reply} -> note({answer, verb(Request), reply(Reply, World)}, World);
        {error, {Reason, _}} -> note({answer, verb(Request), {down, class(Reason)}}, World);
        timeout -> note({answer, verb(Request), none}, World)
    end.

verb(Request) when is_tuple(Request) -> element(1, Request);
verb(Request) -> Request.

reply(ok, _) -> ok;
reply({ok, undefined}, _) -> {ok, undefined};
reply({ok, Pid}, World) when is_pid(Pid) -> {ok, name(Pid, World)};
reply({ok, #{restart := Restart, shutdown := Shutdown, significant := Significant, type := Type}}, _) ->
    {spec, Restart, shutdown(Shutdown), Significant, Type};
reply({error, {already_started, Pid}}, World) -> {error, {already_started, name(Pid, World)}};
reply({error, Word}, _) when Word =:= already_present; Word =:= running; Word =:= restarting; Word =:= not_found;
                             Word =:= simple_one_for_one ->
    {error, Word};
reply({error, Reason}, _) ->
    case is_bad_spec(Reason) of
        true -> {error, bad_spec};
        false -> {error, failed}
    end;
reply([{specs, Specs}, {active, Active}, {supervisors, Sups}, {workers, Workers}], _) ->
    {counts, Specs, Active, Sups, Workers};
reply(Children, World) when is_list(Children) ->
    [{Id, state(State, World), Type} || {Id, State, Type, _} <- Children].

state(Pid, World) when is_pid(Pid) -> name(Pid, World);
state(Word, _) -> Word.

shutdown(Time) when is_integer(Time) -> timeout;
shutdown(Word) -> Word.

is_bad_spec({bad_combination, _}) -> true;
is_bad_spec(_) -> false.

%% What the supervisor, and the one at the top, say for themselves when nothing happens any more.
observe(Path, World) ->
    lists:foldl(fun observe_one/2, World, lists:usort([[], Path])).

observe_one(Path, World) ->
    case supervisor(Path, World) of
        none ->
            World;
        Sup ->
            Children = gen_server:call(Sup, which_children, infinity),
            Counts = gen_server:call(Sup, count_children, infinity),
            note({family, Path, reply(Children, World), reply(Counts, World)}, World)
    end.

finish(End, World) ->
    World0 =
        case alive([], World) of
            none -> World;
            _ when End =:= leave -> World;
            Root -> act(End, [], Root, World)
        end,
    World1 = flush(finished, settle(World0)),
    Ended =
        receive
            {'EXIT', Pid, Reason} when Pid =:= World#world.root -> {ended, class(Reason)}
        after 0 -> alive
        end,
    note({survivors, survivors(World1)}, note(Ended, World1)).

survivors(#world{names = Names}) ->
    lists:sort([Name || {Pid, {[_ | _], _} = Name} <- maps:to_list(Names), is_process_alive(Pid)]).

clean(#world{names = Names}) ->
    [begin unlink(Pid), exit(Pid, kill) end || Pid <- maps:keys(Names)],
    ok.

%%% What is known.

%% The process that runs as the child at this path.
alive(Path, #world{born = Born}) ->
    case maps:find(Path, Born) of
        {ok, {_, Pid}} ->
            case is_process_alive(Pid) of
                true -> Pid;
                false -> none
            end;
        error ->
            none
    end.

%% The same if it is a supervisor, and not what has taken the place of one.
supervisor(Path, World = #world{sups = Sups}) ->
    case alive(Path, World) of
        none -> none;
        Pid -> case Sups of #{Pid := _} -> Pid; _ -> none end
    end.

name(Pid, #world{names = Names}) ->
    case maps:find(Pid, Names) of
        {ok, {_, N}} -> N;
        error -> stranger
    end.

note(Entry, World) ->
    World#world{trace = [Entry | World#world.trace]}.

%% Takes in what the others have told, then notes an entry.
flush(Entry, World) ->
    receive
        {trace, Told} ->
            flush(Entry, note(Told, World));
        {born, Path, N, Pid} ->
            flush(Entry, born(Path, N, Pid, World));
        {born_sup, Path, N, Pid} ->
            flush(Entry, born_sup(Path, N, Pid, World))
    after 0 ->
        note(Entry, World)
    end.

born(Path, N, Pid, World = #world{born = Born, names = Names}) ->
    World#world{born = Born#{Path => {N, Pid}}, names = Names#{Pid => {Path, N}}}.

born_sup(Path, N, Pid, World = #world{sups = Sups}) ->
    born(Path, N, Pid, World#world{sups = Sups#{Pid => Path}}).

%% Waits until nobody has anything to do. Whoever is born meanwhile is taken in.
settle(World) ->
    erlang:yield(),
    settle(births(World), none, 0).

%% Everybody has to be found idle twice, and the same ones: while one looks at somebody, another whom one has seen idle
%% may be woken by a third who has ended since.
settle(World, Before, Rounds) ->
    Pids = maps:keys(World#world.names),
    States = [idle(Pid) || Pid <- Pids],
    World1 = births(World),
    IsCalm = not lists:member(busy, States) andalso map_size(World1#world.names) =:= length(Pids),
    if
        IsCalm, States =:= Before ->
            World1;
        IsCalm ->
            settle(World1, States, Rounds);
        Rounds < 20 ->
            erlang:yield(),
            settle(World1, none, Rounds + 1);
        true ->
            %% Somebody waits for a timer.
            receive after 1 -> ok end,
            settle(births(World1), none, Rounds)
    end.

births(World) ->
    receive
        {born, Path, N, Pid} -> births(born(Path, N, Pid, World));
        {born_sup, Path, N, Pid} -> births(born_sup(Path, N, Pid, World))
    after 0 ->
        World
    end.

idle(Pid) ->
    case process_info(Pid, [status, message_queue_len, current_function]) of
        undefined -> dead;
        %% A supervisor that waits anywhere else waits for a child.
        [{status, waiting}, {message_queue_len, 0}, {current_function, {gen_server, _, _}}] -> idle;
        [{status, waiting}, {message_queue_len, 0}, {current_function, {?MODULE, Function, _}}]
          when Function =/= start_body ->
            idle;
        _ -> busy
    end.

class(normal) -> normal;
class(shutdown) -> shutdown;
class({shutdown, _}) -> shutdown_with;
class(killed) -> killed;
class(kill) -> kill;
class(noproc) -> noproc;
class(_) -> error.

start_failure({shutdown, {failed_to_start_child, Id, _}}) -> {failed_to_start, Id};
start_failure({Word, _}) when Word =:= start_spec; Word =:= supervisor_data; Word =:= bad_start_spec -> bad_spec;
start_failure(_) -> failed.
