%% W11, W11e and W11k: a supervisor of servers that end when they are told to.
-module(flock).
-behaviour(supervisor).
-export([start/2, crash/2]).
-export([init/1]).

%% The children, as they are reached by now, are in a table: by number.
start(Children, Ending) ->
    {ok, _} = supervisor:start_link(?MODULE, {Children, Ending, self()}),
    Table = ets:new(children, []),
    [receive {arrived, Number, Child} -> ets:insert_new(Table, {Number, Child}) end
     || _ <- lists:seq(1, Children)],
    Children = ets:info(Table, size),
    {Table, Children}.

%% One child after the other, each when the one before it has started again.
crash({Table, Children}, Count) ->
    {ok, Took} = stopwatch:timed(fun() -> crash(Table, Children, 0, Count) end),
    {Count, Took}.

crash(_, _, Count, Count) ->
    receive {arrived, _, _} = More -> exit(More) after 0 -> ok end;
crash(Table, Children, Turn, Count) ->
    Number = Turn rem Children,
    child:crash(ets:lookup_element(Table, Number, 2)),
    receive {arrived, Number, Child} -> ets:insert(Table, {Number, Child}) end,
    crash(Table, Children, Turn + 1, Count).

init({Children, Ending, Asker}) ->
    Child = fun(Number) ->
        #{id => Number, start => {child, start_link, [Number, Ending, Asker]}, restart => transient}
    end,
    %% The shortest period there is: every restart in it is remembered, and gone through at the next one.
    Flags = #{strategy => one_for_one, intensity => 1000000000, period => 1},
    {ok, {Flags, [Child(Number) || Number <- lists:seq(0, Children - 1)]}}.
