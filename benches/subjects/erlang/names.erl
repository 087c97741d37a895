%% W12: very many servers, each under a name.
-module(names).
-export([start/1, find/2]).

%% A prime: all names have their turn.
-define(STRIDE, 7919).

start(Count) ->
    Name = fun(Number) -> list_to_atom("counter_" ++ integer_to_list(Number)) end,
    Named = [{Name(Number), counter:start_named(Name(Number))} || Number <- lists:seq(1, Count)],
    list_to_tuple(Named).

find({Names, Readers}, Count) ->
    Each = (Count + Readers - 1) div Readers,
    Operations = Each * Readers,
    %% Where all processes read it, and nobody copies it.
    persistent_term:put(names, Names),
    {Operations, Took} = stopwatch:timed(fun() ->
        stopwatch:together(Readers, fun(First) ->
            read(persistent_term:get(names), First, Each, 0)
        end)
    end),
    {Operations, Took}.

read(_, _, 0, Found) -> Found;
read(Names, Index, Left, Found) ->
    {Name, Counter} = element(Index + 1, Names),
    Counter = whereis(Name),
    read(Names, (Index + ?STRIDE) rem tuple_size(Names), Left - 1, Found + 1).
