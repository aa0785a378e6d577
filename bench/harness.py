"""What the scripts here share: the servers that are compared, and how they and the generator are
started, checked and ended."""

import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# name: program, environment. The first of these that runs is the reference.
SERVERS = {
    "c-uring": ("c_uring", {}),
    "c-epoll": ("c_epoll", {}),
    "ieum-uring": ("ieum", {"IEUM_DRIVER": "io_uring"}),
    "ieum-epoll": ("ieum", {"IEUM_DRIVER": "epoll"}),
    "asio-callback": ("asio_callback", {}),
    "asio-coroutine": ("asio_coroutine", {}),
    "boost-uring-callback": ("boost_uring_callback", {}),
    "boost-uring-coroutine": ("boost_uring_coroutine", {}),
    "libuv": ("libuv", {}),
}


class Failure(Exception):
    """A server or the generator failed; one sentence."""


# ---- Saying things ------------------------------------------------------------------------------

ON_TERMINAL = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def progress(text):
    if ON_TERMINAL:
        sys.stderr.write(f"\r\033[K{text[:78]}")
        sys.stderr.flush()


def say(text):
    progress("")
    print(text, file=sys.stderr, flush=True)


def table(header, rows):
    """Prints rows of text: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())
    print(flush=True)


# ---- Processes ----------------------------------------------------------------------------------

children = []


class Bench:
    """Where things are and on which core they run."""

    def __init__(self, options):
        self.programs = Path(options.build) / "bench"
        self.core = options.core
        self.seconds = options.seconds

    def start(self, command, environment=None, **keywords):
        def prepare():
            os.sched_setaffinity(0, {self.core})
            # Neither takes the core from the other before it has done all that it can: a batch is
            # as long as there are connections, every time.
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

        child = subprocess.Popen(command, env={**os.environ, **(environment or {})}, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 preexec_fn=prepare, **keywords)
        children.append(child)
        return child

    def load(self, server, arguments, limit=120):
        """Runs the generator against `server` and gives what it printed."""
        child = self.start([str(self.programs / "load" / "load"), arguments[0],
                            "--port", str(server.port), "--server", str(server.pid),
                            *arguments[1:]])
        try:
            out, error = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"the generator has not ended within {limit} s") from None
        finally:
            end(child)
        if child.returncode != 0:
            raise Failure(error.strip() or f"the generator ended with {child.returncode}")
        return json.loads(out) if out else {}


def end(child):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child in children:
        children.remove(child)
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            stream.close()


class Server:
    """A running server. `with Server(...) as server:` ends it."""

    def __init__(self, bench, name, case="echo", wrapper=(), directory=None):
        program, environment = SERVERS[name]
        arguments = ["sink", "--congestion", "cubic"] if case == "bulk" else ["echo"]
        path = (directory or bench.programs / "servers") / program
        if not path.exists():
            raise Failure(f"{program} was not built: its library is not installed")
        self.child = bench.start([*wrapper, str(path), *arguments], environment)
        line = self.child.stdout.readline()
        if not line:
            self.child.wait()
            error = self.child.stderr.read().strip()
            end(self.child)
            raise Failure(error or f"{program} ended with {self.child.returncode}")
        self.port = int(line)
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.child)


def own_bytes(pid):
    """The memory of a process that no file backs; what the kernel keeps for sockets is not in it."""
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


def idle_one(bench, name, connections):
    with Server(bench, name) as server:
        # A first connection, so that what is made once counts for none.
        bench.load(server, ["echo", "--operations", "2000"])
        before = own_bytes(server.pid)
        command = [str(bench.programs / "load" / "load"), "idle", "--port", str(server.port),
                   "--server", str(server.pid), "--connections", str(connections)]
        child = bench.start(command, stdin=subprocess.PIPE)
        try:
            if not child.stdout.readline():
                raise Failure(child.stderr.read().strip())
            return (own_bytes(server.pid) - before) / connections
        finally:
            end(child)


# ---- Counting with valgrind ---------------------------------------------------------------------


def dumped(server, directory, number):
    """What callgrind has counted since it was asked before: instructions, allocations."""
    asked = subprocess.run(["vgdb", f"--pid={server.pid}", "dump"], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=60, check=False)
    if asked.returncode != 0:
        raise Failure(f"vgdb: {asked.stderr.strip()}")
    instructions, allocations = 0, 0
    names = {}  # a function's name is told once, with its number
    for line in (directory / f"callgrind.{server.pid}.{number}").read_text().splitlines():
        told = re.match(r"c?fn=\((\d+)\)(?: (.*))?", line)
        if told and told[2]:
            names[told[1]] = told[2]
        if line.startswith("cfn="):
            called = names[told[1]]
        elif line.startswith("calls=") and re.fullmatch("(m|c|re|aligned_)alloc|posix_memalign", called):
            allocations += int(line[len("calls="):].split()[0])
        elif line.startswith("totals:"):
            instructions = int(line.split()[1])
    return instructions, allocations


# ---- Results ------------------------------------------------------------------------------------


def per_operation(sample):
    return sample["server_cpu_ns"] / sample["operations"]


def quartiles(values):
    if len(values) < 2:
        return [values[0], values[0]]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return [low, high]


def summarize(samples, reference):
    """Of each server: the paired ratios, their median and quartiles, and the median time."""
    summary = {}
    for name, own in samples.items():
        pairs = [(mine, other) for mine, other in zip(own, samples[reference]) if mine and other]
        paired = [per_operation(mine) / per_operation(other) for mine, other in pairs]
        if not paired:
            continue
        summary[name] = {
            "ratio": statistics.median(paired),
            "ratio_quartiles": quartiles(paired),
            "ratios": paired,
            "server_cpu_us": statistics.median(per_operation(s) for s in own if s) / 1000,
            "operations_per_second": statistics.median(
                s["operations"] / s["seconds"] for s in own if s),
        }
    return summary


def describe_machine(options):
    return {"kernel": os.uname().release, "cores": os.cpu_count(), "core": options.core,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "rounds": options.rounds, "seconds": options.seconds}


def write(path, options, results):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        machine = describe_machine(options)
        path.write_text(json.dumps({"machine": machine, **results}, indent=1) + "\n")
    except OSError as error:
        raise Failure(f"the results cannot be written: {error}") from None


# ---- A script's main ----------------------------------------------------------------------------


def main(run):
    """Calls `run()` and gives the exit status; whatever it started has ended then."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        return run()
    except Failure as failure:
        say(f"bench: {failure}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130
    finally:
        for child in list(children):
            end(child)


def mount_tracepoints():
    """Where the kernel's tracepoints are not mounted and we may mount them, begins this program anew
    in a mount namespace of its own in which they are."""
    mark = "BENCH_TRACEPOINTS_MOUNTED"
    place = Path("/sys/kernel/tracing")
    if os.geteuid() != 0 or mark in os.environ or not place.is_dir() or any(place.iterdir()):
        return
    mount = f'mount -t tracefs tracefs {place} 2>/dev/null; exec "$@"'
    os.environ[mark] = "1"
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", mount, "sh", sys.executable, *sys.argv])
