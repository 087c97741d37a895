# The counter that survives, with Elixir.
defmodule Counter do
  use GenServer

  def start_link(n), do: GenServer.start_link(__MODULE__, n, name: __MODULE__)
  def add(k), do: GenServer.call(__MODULE__, {:add, k})
  def get, do: GenServer.call(__MODULE__, :get)
  def reset, do: GenServer.cast(__MODULE__, :reset)
  def crash, do: GenServer.cast(__MODULE__, :crash)

  @impl true
  def init(n), do: {:ok, n}

  @impl true
  def handle_call({:add, k}, _from, n), do: {:reply, n + k, n + k}
  def handle_call(:get, _from, n), do: {:reply, n, n}

  @impl true
  def handle_cast(:reset, _n), do: {:noreply, 0}
  def handle_cast(:crash, _n), do: raise("boom")
end

defmodule Wait do
  def for_another_than(pid) do
    case Process.whereis(Counter) do
      next when next in [nil, pid] -> Process.sleep(1) && for_another_than(pid)
      next -> next
    end
  end
end

children = [{Counter, 0}]
options = [strategy: :one_for_one, max_restarts: 3, max_seconds: 5]
{:ok, _sup} = Supervisor.start_link(children, options)
Counter.reset()
5 = Counter.add(5)
before = Process.whereis(Counter)
Counter.crash()
Wait.for_another_than(before)
0 = Counter.get()
