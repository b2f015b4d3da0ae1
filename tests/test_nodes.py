"""What the driver makes of the machines that Ray tells it of."""

from collections import Counter

from orchestrator.workers.cluster.nodes import BOOTSTRAP, KUBERAY, Nodes, may_grow


def row(name, alive=True, labels=None, **resources):
    """A node as Ray lists it."""
    return {"NodeID": name, "Alive": alive, "Resources": resources, "Labels": labels or {}}


def seen(wanted, *rows):
    """Nodes after a look at these rows."""
    nodes = Nodes(wanted)
    nodes.see(rows)
    return nodes


def test_room_is_counted_node_by_node():
    """Three processors here and one there hold one shard of two processors, not two."""
    nodes = seen({"CPU": 2.0, "GPU": 0.0}, row("a", CPU=3), row("b", CPU=1), row("head"))
    assert (nodes.rooms, nodes.slots) == ({"a": 1, "b": 0, "head": 0}, 1)


def test_quarters_of_a_gpu_add_up():
    """A GPU holds four quarters and ten tenths, whatever binary fractions make of them, and a node without one none."""
    rows = row("a", CPU=64, GPU=1), row("b", CPU=64)
    assert [seen({"CPU": 1.0, "GPU": part}, *rows).rooms for part in (0.25, 0.1)] == [
        {"a": 4, "b": 0},
        {"a": 10, "b": 0},
    ]


def test_shards_go_where_there_is_room_beyond_those_sent():
    """A node is offered as often as it has room, less what it was sent; one with too much is not offered."""
    nodes = seen({"CPU": 1.0}, row("a", CPU=2), row("b", CPU=2), row("c", CPU=1))
    assert Counter(nodes.openings(Counter({"a": 1, "c": 3}))) == {"a": 1, "b": 2}


def test_a_node_that_has_gone_is_told_once():
    """A look gives the nodes that were there at the last one, dead or no longer listed."""
    nodes = seen({"CPU": 1.0}, row("a", CPU=1), row("b", CPU=1), row("c", CPU=1))
    after = row("a", CPU=1), row("b", alive=False, CPU=1)
    assert (nodes.see(after), nodes.see(after)) == ({"b", "c"}, set())


def test_a_node_that_a_task_called_dead_gets_nothing_though_ray_lists_it():
    """Though Ray's list calls it alive for another minute, the next look is due at once and finds it gone, with all that runs there."""
    rows = row("a", CPU=1), row("b", CPU=1)
    nodes = seen({"CPU": 1.0}, *rows)
    assert not nodes.due
    nodes.shun("b")
    assert nodes.due
    assert (nodes.see(rows), nodes.see(rows)) == ({"b"}, set())
    assert nodes.rooms == {"a": 1}


def test_a_barred_node_gets_nothing_until_it_is_admitted():
    """A node that is barred has no room at once and at every look, and is not told of as gone; admitted, it counts from the next look, due now."""
    rows = row("a", CPU=1), row("b", CPU=1)
    nodes = seen({"CPU": 1.0}, *rows)
    nodes.bar("b")
    assert nodes.rooms == {"a": 1}
    assert (nodes.see(rows), nodes.rooms) == (set(), {"a": 1})
    nodes.admit("b")
    assert nodes.due
    assert (nodes.see(rows), nodes.rooms) == (set(), {"a": 1, "b": 1})


def test_what_the_cluster_had_at_its_largest_is_kept():
    """For the provenance: machines that have gone did some of the work."""
    nodes = seen({"CPU": 1.0}, row("head", memory=5.0))
    nodes.see([row("head", memory=5.0), row("a", CPU=8, memory=9.0), row("b", CPU=8, memory=9.0)])
    nodes.see([row("head", memory=5.0)])
    assert nodes.most == {"CPU": 16, "memory": 23}


def test_the_lack_is_told_with_what_there_is():
    """The message names what a shard asks for and what each node has."""
    said = seen({"CPU": 1.0, "GPU": 2.0}, row("a", CPU=4, GPU=1), row("b")).lack()
    assert "1 CPU and 2 GPU" in said
    assert "4 CPU, 1 GPU; 0 CPU, 0 GPU" in said


def test_a_cluster_may_grow_where_somebody_set_it_up_to(monkeypatch, tmp_path):
    """A label of Ray's on any node, the file that `ray up` leaves on a head, or KubeRay's variable tell of an autoscaler."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(KUBERAY, raising=False)
    plain, labelled = row("a"), row("b", labels={"ray.io/node-group": "cpu"})
    assert (may_grow([plain]), may_grow([plain, labelled])) == (False, True)
    monkeypatch.setenv(KUBERAY, "1")
    assert may_grow([plain])
    monkeypatch.delenv(KUBERAY)
    BOOTSTRAP.expanduser().touch()
    assert may_grow([plain])
