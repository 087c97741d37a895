%% A server whose callbacks do what they are told, and tell that they run.
-module(oracle_scripted).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, terminate/2]).

-define(SERVER, oracle_otp_gen_server).

init({Driver, Callers, {Trap, Terminate, Plan}}) ->
    put(driver, Driver),
    put(callers, Callers),
    Driver ! {init, self()},
    receive
        go -> ok
    end,
    process_flag(trap_exit, Trap),
    State = #{count => 0, kept => #{}, idle => none, terminate => Terminate},
    {_, _, Then, Next} = Plan,
    Prepared = prepare(Plan, none, none, State),
    case Then of
        ignore -> ignore;
        {stop, Reason} -> {stop, oracle_server:reason(Reason)};
        error -> error(boom);
        {exit, Reason} -> exit(oracle_server:reason(Reason));
        _ -> next({ok}, Next, Prepared)
    end.

handle_call({Tag, Plan}, From, State) ->
    tell({handle, call, Tag}),
    {Before, _, Then, Next} = Plan,
    Prepared = count(prepare(Plan, Tag, From, State)),
    Answered = lists:member(early, Before),
    case Then of
        reply when not Answered -> next({reply, Tag}, Next, Prepared);
        {stop_reply, Reason} when not Answered -> {stop, oracle_server:reason(Reason), Tag, Prepared};
        keep when not Answered ->
            Kept = maps:get(kept, Prepared),
            next({noreply}, Next, Prepared#{kept => Kept#{Tag => From}});
        hand_on when not Answered ->
            tell({handed, Tag, From}),
            next({noreply}, Next, Prepared);
        _ -> follow(Then, Next, Prepared)
    end.

handle_cast({Tag, Plan}, State) ->
    handle(cast, Tag, Plan, State).

handle_info({info, Tag, Plan}, State) ->
    handle(info, Tag, Plan, State);
handle_info(timeout, State = #{idle := Plan}) ->
    handle(timeout, none, Plan, State);
handle_info({'EXIT', Pid, Reason}, State) ->
    tell({exit, Pid, Reason}),
    told(State);
handle_info({'DOWN', _, process, Pid, Reason}, State) ->
    tell({down, Pid, Reason}),
    told(State).

handle_continue({Tag, Plan}, State) ->
    handle(continue, Tag, Plan, State).

%% Of somebody's end.
told(State = #{terminate := {_, _, Then}}) ->
    follow(Then, none, count(State)).

terminate(Reason, #{count := Count, terminate := {Then, Block, _}}) ->
    tell({terminate, oracle_server:class(Reason), Count}),
    block(Block),
    case Then of
        ok -> ok;
        error -> error(boom)
    end.

handle(Kind, Tag, Plan = {_, _, Then, Next}, State) ->
    tell({handle, Kind, Tag}),
    follow(Then, Next, count(prepare(Plan, Tag, none, State))).

follow({stop_reply, Reason}, _, State) -> {stop, oracle_server:reason(Reason), State};
follow({stop, Reason}, _, State) -> {stop, oracle_server:reason(Reason), State};
follow(error, _, _) -> error(boom);
follow({exit, Reason}, _, _) -> exit(oracle_server:reason(Reason));
follow(_, Next, State) -> next({noreply}, Next, State).

%% How many callbacks have come to their end.
count(State = #{count := Count}) -> State#{count => Count + 1}.

next(Head, none, State) -> erlang:append_element(Head, State);
next(Head, hibernate, State) -> with(Head, State, hibernate);
next(Head, {timeout, zero, Plan}, State) -> with(Head, State#{idle => Plan}, 0);
next(Head, {timeout, short, Plan}, State) -> with(Head, State#{idle => Plan}, 10);
next(Head, {continue, Tag, Plan}, State) -> with(Head, State, {continue, {Tag, Plan}}).

with(Head, State, What) ->
    erlang:append_element(erlang:append_element(Head, State), What).

prepare({Before, Block, _, _}, Tag, From, State) ->
    Prepared = lists:foldl(fun(What, S) -> prepared(What, Tag, From, S) end, State, Before),
    block(Block),
    Prepared.

prepared({answer, Tag}, _, _, State = #{kept := Kept}) ->
    case Kept of
        #{Tag := From} ->
            ?SERVER:reply(From, Tag),
            State#{kept => maps:remove(Tag, Kept)};
        _ ->
            State
    end;
prepared(early, Tag, From, State) when From =/= none ->
    ?SERVER:reply(From, Tag),
    State;
prepared({self_cast, Tag, Plan}, _, _, State) ->
    ?SERVER:cast(self(), {Tag, Plan}),
    State;
prepared(self_call, _, _, State) ->
    tell(
        {self_call,
            try
                ?SERVER:call(self(), nothing, infinity)
            catch
                exit:{Reason, _} -> Reason
            end}
    ),
    State;
prepared({watch, I}, _, _, State) ->
    monitor(process, maps:get(I, get(callers))),
    State;
prepared(_, _, _, State) ->
    State.

block(false) ->
    ok;
block(true) ->
    tell(blocked),
    receive
        unblock -> ok
    end.

tell(Event) ->
    get(driver) ! {server, self(), Event}.
