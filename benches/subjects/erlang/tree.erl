%% W10: processes that start processes, and add up what these say. Plain ones: nobody writes a gen_server for this.
-module(tree).
-export([timed/1]).

%% How many processes there were, and how long it took.
timed(Leaves) ->
    {Sum, Took} = stopwatch:timed(fun() ->
        Self = self(),
        spawn(fun() -> node(0, Leaves, Self) end),
        receive {sum, Sum} -> Sum end
    end),
    Sum = Leaves * (Leaves - 1) div 2,
    {count(Leaves), Took}.

node(First, 1, Parent) ->
    Parent ! {sum, First};
node(First, Leaves, Parent) ->
    Each = Leaves div 10,
    Self = self(),
    [spawn(fun() -> node(First + Child * Each, Each, Self) end) || Child <- lists:seq(0, 9)],
    Parent ! {sum, sums(10, 0)}.

sums(0, Sum) -> Sum;
sums(Left, Sum) -> receive {sum, More} -> sums(Left - 1, Sum + More) end.

count(1) -> 1;
count(Leaves) -> Leaves + count(Leaves div 10).
