"""Whatever is killed, filled up or taken away, and whenever: the same command finishes, with the tables of an undisturbed run."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, nullcontext

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from orchestrator import engine
from orchestrator.cli import running as cli
from orchestrator.errors import BlockDamagedError, StoreLostError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.store import Store
from orchestrator.store.blocks import Blocks
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.workers.events import Finished
from orchestrator.workers.local import Serial
from tests.conftest import ROOT, TINY
from tests.misdeeds import same_tables
from tests.processes import alive, background, called, command, family, happened, ray_folder, until

long = pytest.mark.long  # these begin and kill several commands
engine.load()

EPOCHS = 6000  # make a shard last one to two seconds
WORDS = ("--seeds", "24", "--set", f"epochs={EPOCHS}", "--no-report")
ENDED = 15  # seconds that the processes of a killed driver may take to end


class Mischief(Serial):
    """Trains here, and does something bad after the third shard."""

    def __init__(self, deed):
        super().__init__()
        self.deed = deed

    def run(self, orders):
        """Train the shards in their order."""
        finished = 0
        for event in super().run(orders):
            yield event
            finished += isinstance(event, Finished)
            if isinstance(event, Finished) and finished == 3:
                self.deed()


def here(path, out, deed=lambda: None):
    """Run the tiny lesson, sixteen seeds, in this process; gives the exit code."""
    request = session.Request(
        tuple(catalog.find([str(path)])), tuple(range(16)), ("fixed", "redrawn"), "compiled", serial=True
    )
    return cli.carry_out(
        request, Store(out), lambda: Mischief(deed), ConsoleScreen(Console(quiet=True)), report_too=False
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The tiny lesson, and the results of an undisturbed run of sixteen seeds."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "tiny.py").write_text(TINY)
    assert here(folder / "tiny.py", folder / "out") == 0
    return folder / "tiny.py", folder / "out"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The tiny lesson, and the results of an undisturbed run of 24 seeds and many epochs, without Ray."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "tiny.py").write_text(TINY)
    words = command("run", folder / "tiny.py", *WORDS, "--out", folder / "out", "--serial")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "tiny.py", folder / "out"


@contextmanager
def mounts():
    """Gives a function that mounts a file system of its own at a place; all are gone afterwards."""
    made = []

    def mount(place, options):
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting needs root: {done.stderr.strip()}")
        made.append(place)

    try:
        yield mount
    finally:
        for place in made:
            subprocess.run(["umount", "-l", place], check=True)


@contextmanager
def sealing():
    """Gives a function after which nobody can write below a folder: root by a mount, others by the folders' modes."""
    modes = []

    def close(place):
        for folder in (place, *(path for path in place.rglob("*") if path.is_dir())):
            modes.append((folder, folder.stat().st_mode))
            folder.chmod(0o500)

    with mounts() as mount:
        try:
            yield close if os.geteuid() else lambda place: mount(place, "ro")
        finally:
            for folder, mode in modes:
                folder.chmod(mode)


# What happens to the results folder.


def test_a_full_disk_ends_the_command_in_one_sentence_and_nothing_is_lost(small, tmp_path):
    """When the disk is full the command says so; with room made, it goes on from there to the same tables."""
    path, clean = small
    out = tmp_path / "out"
    out.mkdir()
    ballast = out / "ballast"

    def eat():
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))

    with mounts() as mount:
        mount(out, "size=64m")
        with pytest.raises(StoreLostError, match="No space left on device; what was stored before is safe"):
            here(path, out, eat)
        ballast.unlink()
        assert not [left for left in out.rglob(".*") if left.name != ".lock"]
        assert len(list((out / "store").rglob("seeds*.parquet"))) == 3
        assert here(path, out) == 0
        same_tables(out, clean)


def test_a_folder_that_turns_read_only_ends_the_command_and_nothing_is_lost(small, tmp_path):
    """When the results can't be written any more the command says so; once they can, it goes on from there."""
    path, clean = small
    out = tmp_path / "out"
    with sealing() as seal, pytest.raises(StoreLostError, match="Read-only file system|Permission denied"):
        here(path, out, lambda: seal(out / "store"))
    assert len(list((out / "store").rglob("seeds*.parquet"))) == 3
    assert here(path, out) == 0
    same_tables(out, clean)


def test_a_folder_that_vanishes_is_not_made_anew_half_empty(small, tmp_path):
    """When the results folder is deleted in mid-run the command says so and leaves no half of it; the same command does it all again."""
    path, clean = small
    out = tmp_path / "out"
    with pytest.raises(StoreLostError, match="No such file or directory"):
        here(path, out, lambda: shutil.rmtree(out))
    assert not out.exists()
    assert here(path, out) == 0
    same_tables(out, clean)


@pytest.mark.parametrize("empty", [False, True])
def test_a_folder_that_is_moved_away_goes_on_where_it_went(small, tmp_path, empty):
    """Renamed in mid-run, also with an empty one put in its place, the folder has whole blocks alone, and the same command goes on in it."""
    path, clean = small
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"

    def move():
        out.rename(elsewhere)
        if empty:
            out.mkdir()

    with nullcontext() if empty else pytest.raises(StoreLostError, match="No such file or directory"):
        assert here(path, out, move) == 1
    assert out.exists() == empty
    assert len(list((elsewhere / "store").rglob("seeds*.parquet"))) == 3
    assert here(path, elsewhere) == 0
    same_tables(elsewhere, clean)


def test_a_store_that_is_removed_while_others_train_is_missed(small, tmp_path):
    """When `store/` alone is deleted in mid-run, the command ends with 1, its tables hold what was trained since, and the same command trains the rest."""
    path, clean = small
    out = tmp_path / "out"
    assert here(path, out, lambda: shutil.rmtree(out / "store")) == 1
    assert len(pd.read_parquet(out / "runs.parquet")) == 64 - 3 * 8
    assert here(path, out) == 0
    same_tables(out, clean)


def test_blocks_that_vanish_while_others_train_are_missed(small, tmp_path):
    """When stored blocks are deleted in mid-run the command ends with 1, for some runs are missing, and the same command trains those."""
    path, clean = small
    out = tmp_path / "out"
    assert here(path, out, lambda: [block.unlink() for block in (out / "store").rglob("seeds*")]) == 1
    assert here(path, out) == 0
    same_tables(out, clean)


def flip(file):
    """Change a bit of every hundredth byte."""
    data = bytearray(file.read_bytes())
    data[100::100] = bytes(byte ^ 4 for byte in data[100::100])
    file.write_bytes(data)


@pytest.mark.parametrize("cut", [True, False])
def test_a_block_that_is_damaged_while_others_train_is_found(small, tmp_path, cut):
    """A block cut short, or with bits flipped, after it was stored: the command itself trains it again before it makes tables."""
    path, clean = small
    out = tmp_path / "out"

    def damage():
        flip(block := sorted((out / "store").rglob("seeds*"))[0])
        if cut:
            os.truncate(block, block.stat().st_size // 2)

    assert here(path, out, damage) == 0
    assert len(list((out / "store").rglob("*.damaged-*"))) == 1
    same_tables(out, clean)


def test_a_disk_that_damages_the_same_block_again_ends_the_command(small, tmp_path, monkeypatch):
    """A block that is damaged whenever it was stored is trained twice, not for ever; then a line names it."""
    path, _ = small
    write = Blocks.write

    def harmed(blocks, key, block):
        write(blocks, key, block)
        flip(blocks.path(key, [o.seed for o in block.outcomes]))

    monkeypatch.setattr(Blocks, "write", harmed)
    with pytest.raises(BlockDamagedError, match="seeds-0000"):
        here(path, tmp_path / "out")
    assert len(list((tmp_path / "out/store").rglob("*.damaged-*"))) == len(
        list((tmp_path / "out/store").rglob("seeds*.parquet"))
    )


def test_what_a_killed_writer_left_beside_the_place_is_swept_up(small, tmp_path):
    """A half-written file of a driver that was killed is never read, and gone after the next command."""
    path, clean = small
    out = tmp_path / "out"
    shutil.copytree(clean, out)
    key = next(folder for folder in (out / "store").iterdir() if folder.is_dir())
    left = [key / f".seeds-0000-0007.parquet.{'a' * 32}", out / f".runs.parquet.{'b' * 32}", out / f".probe-{'c' * 32}"]
    for file in left:
        file.write_bytes(b"PAR1")
    assert here(path, out) == 0
    assert not any(file.exists() for file in left)
    same_tables(out, clean)


# What happens to processes.


@long
def test_a_killed_driver_takes_its_ray_along_and_the_same_command_finishes(large, tmp_path):
    """While a driver is at work a second is refused; killed, it leaves no process behind, and the same command finishes its work."""
    path, clean = large
    out = tmp_path / "out"
    words = ("run", path, *WORDS, "--out", out)
    with background(*words, log=tmp_path / "log") as driver:
        until(happened(out, "finished", 2))
        driver.send_signal(signal.SIGSTOP)  # so that it is surely still at work
        second = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert f"in use by another driver (process {driver.pid} " in second.stderr
        children = family(driver.pid)
        assert len(children) > 4
        folder = ray_folder(children)
        driver.kill()
        driver.wait()
        until(lambda: not any(map(alive, children)), ENDED)
        assert not folder.exists()
    done = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout.startswith("48 runs asked for, 0 stored")
    same_tables(out, clean)


@long
def test_workers_and_rays_own_processes_may_die_under_a_driver(large, tmp_path):
    """A worker, then the raylet, then Ray's control process are killed: the command goes on, says what it lost, and ends with all runs."""
    path, clean = large
    out, log = tmp_path / "out", tmp_path / "log"
    with background("run", path, *WORDS, "--out", out, log=log) as driver:
        for number, victim in enumerate(("ray::train", "raylet", "gcs_server")):
            until(happened(out, "finished", 1 + 2 * number))
            children = family(driver.pid)
            until(lambda name=victim: [child for child in family(driver.pid) if called(child).startswith(name)])[
                0
            ].kill()
        assert driver.wait(timeout=120) == 0, log.read_text()
        until(lambda: not any(map(alive, children)), ENDED)
    said = log.read_text()
    assert "its process died: killed, or ended from within; trying again" in said
    assert said.count("Ray's own processes died") >= 2
    same_tables(out, clean)


@long
def test_a_raylet_may_die_while_blocks_are_on_their_way(large, tmp_path):
    """A driver that finds blocks to take, and the raylet dead, goes on with another Ray, and ends with all runs."""
    path, clean = large
    out, log = tmp_path / "out", tmp_path / "log"
    with background("run", path, *WORDS, "--out", out, log=log) as driver:
        for finished in (1, 3):
            until(happened(out, "finished", finished))
            raylet = until(lambda: [child for child in family(driver.pid) if called(child) == "raylet"])[0]
            driver.send_signal(signal.SIGSTOP)
            time.sleep(1)  # blocks that it has not taken come meanwhile
            raylet.kill()
            driver.send_signal(signal.SIGCONT)
        assert driver.wait(timeout=120) == 0, log.read_text()
    same_tables(out, clean)


@long
@pytest.mark.parametrize(
    ("signals", "group"), [((signal.SIGINT,), True), ((signal.SIGTERM,), False), ((signal.SIGINT, signal.SIGINT), True)]
)
def test_interrupted_commands_end_with_130_and_go_on_later(large, tmp_path, signals, group):
    """The first Ctrl-C (to the whole foreground, as a terminal sends it) or SIGTERM finishes what runs, the second stops at once; both resume."""
    path, clean = large
    out, log = tmp_path / "out", tmp_path / "log"
    shutil.copytree(clean, out)
    for file in (*sorted((out / "store").rglob("seeds*"))[::2], out / "runs.parquet", out / "events.jsonl"):
        file.unlink()
    words = ("run", path, *WORDS, "--out", out)
    stored = len(list(out.rglob("seeds*")))
    with background(*words, log=log) as driver:
        until(happened(out, "started"))
        children = family(driver.pid)
        for number in signals:
            (os.killpg if group else os.kill)(driver.pid, number)
            time.sleep(0.3)
        assert driver.wait(timeout=60) == cli.INTERRUPTED, log.read_text()
        until(lambda: not any(map(alive, children)), ENDED)
    assert "interrupted; the same command goes on from here" in log.read_text()
    if len(signals) == 1:
        assert "finishing what runs; once more to stop at once" in log.read_text()
        assert len(list(out.rglob("seeds*.parquet"))) > stored
        assert (out / "runs.parquet").exists()
    done = subprocess.run(command(*words, "--serial"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    same_tables(out, clean)


@long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_before_anything_runs_is_one_too(tiny, tmp_path, number):
    """Ctrl-C and SIGTERM while Ray starts and the plan is made end the command with 130 and leave no process behind."""
    with background("run", tiny, "--out", tmp_path / "out", log=tmp_path / "log") as driver:
        until(lambda: len(family(driver.pid)) > 2)
        children = family(driver.pid)
        driver.send_signal(number)
        assert driver.wait(timeout=30) == cli.INTERRUPTED, (tmp_path / "log").read_text()
        until(lambda: not any(map(alive, children)), ENDED)
    assert "Traceback" not in (tmp_path / "log").read_text()


# All of it, at random.


@long
@pytest.mark.timeout(900)
def test_forty_random_kills_change_nothing(large, tmp_path):
    """Twenty workers and twenty drivers killed at random moments, and blocks cut, flipped and deleted in between: the tables are the undisturbed ones."""
    from benchmarks.faults import Siege

    path, clean = large
    seed = int(os.environ.get("FAULTS_SEED") or np.random.SeedSequence().entropy % 2**32)
    print(f"FAULTS_SEED={seed}")  # noqa: T201  repeats this very test
    siege = Siege(("run", path, *WORDS, "--out", tmp_path / "out"), tmp_path / "out", np.random.default_rng(seed))
    siege.lay(workers=20, drivers=20)
    same_tables(tmp_path / "out", clean)
    assert siege.counts["worker"] >= 20
    assert siege.counts["driver"] >= 20
    assert not [process for process in siege.seen if alive(process)]


def test_runs_whose_note_is_lost_are_not_called_old(here, tiny, tmp_path):
    """Where somebody removed what a key is of, its blocks count as stored, and nobody is told that they are of another version."""
    words = (tiny, "--seeds", "1", "--data", "fixed", "--out", tmp_path / "out")
    assert here("run", *words, "--serial", "--no-report").returncode == 0
    for note in (tmp_path / "out").glob("store/*/about.json"):
        note.unlink()
    said = here("plan", *words).stdout
    assert "2 runs asked for, 2 stored" in said
    assert "earlier version" not in said
