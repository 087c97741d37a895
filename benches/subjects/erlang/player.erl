%% W5: two servers that throw a ball to and fro.
-module(player).
-behaviour(gen_server).
-export([play/2]).
-export([init/1, handle_call/3, handle_cast/2]).

play(_, RoundTrips) ->
    {ok, One} = gen_server:start(?MODULE, [], []),
    {ok, Other} = gen_server:start(?MODULE, [], []),
    {RoundTrips, Took} = stopwatch:timed(fun() ->
        gen_server:call(One, {serve, Other, RoundTrips}, infinity)
    end),
    gen_server:stop(One),
    gen_server:stop(Other),
    {RoundTrips, Took}.

init([]) -> {ok, none}.

handle_call({serve, Other, RoundTrips}, From, none) ->
    gen_server:cast(Other, {ping, self()}),
    {noreply, {Other, RoundTrips, 0, From}}.

handle_cast({ping, Other}, State) ->
    gen_server:cast(Other, pong),
    {noreply, State};
handle_cast(pong, {_, RoundTrips, Seen, From}) when Seen + 1 =:= RoundTrips ->
    gen_server:reply(From, RoundTrips),
    {noreply, none};
handle_cast(pong, {Other, RoundTrips, Seen, From}) ->
    gen_server:cast(Other, {ping, self()}),
    {noreply, {Other, RoundTrips, Seen + 1, From}}.
