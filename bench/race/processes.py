"""Programs that a race starts: each pinned to a CPU, in a session of its own, and stopped by its own process id.

Promises: nothing outlives the race, not even when it is killed. Not here: which programs, with what configuration.
"""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1


class RaceError(Exception):
    """Something that the user can mend; the text says how."""


def free_port():
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pids):
    """CPU time of these processes so far, all threads, to the nanosecond (clock_getcpuclockid(3))."""
    total = 0
    for pid in pids:
        try:
            total += time.clock_gettime_ns(((~pid) << 3) | 2)
        except OSError:
            pass  # gone
    return total / 1e9


def busy_seconds(cpu):
    """Time that this CPU has not been idle since boot, stolen time included."""
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            if line.startswith(f"cpu{cpu} "):
                user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
                return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


def prepare(cpu):
    """What a child does before it becomes its program: take its CPU, end with us, keep our niceness among other sessions."""
    libc = ctypes.CDLL(None)
    niceness = os.nice(0)

    def in_child():
        os.sched_setaffinity(0, {cpu})
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # so that a master process takes its workers along
        if niceness:
            with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
                group.write(str(niceness))  # a session competes as a whole with others, whatever its members' niceness

    return in_child


class Program:
    """A running child; use as a context manager."""

    def __init__(self, name, arguments, cpu, folder, environment=None, output=None):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                          stdout=output or log, stderr=log, start_new_session=True, preexec_fn=prepare(cpu))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def pids(self):
        """This process and all that it has started."""
        found, todo = [], [self.child.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                        todo += map(int, children.read().split())
            except OSError:
                pass
        return found

    def last_words(self):
        """The end of its log, for error messages."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-15:]).strip() or "(it said nothing)"

    def wait_for_port(self, port, seconds=10):
        """Returns once it accepts connections; RaceError when it has ended or does not within that time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RaceError(f"{self.name} does not listen on port {port}; it said:\n{self.last_words()}")

    def stop(self):
        """SIGTERM, then SIGKILL to its session when it does not end."""
        if self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(timeout=3)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()


def make_certificate(folder):
    """A certificate for localhost and 127.0.0.1 that vouches for itself: (certificate file, key file)."""
    certificate, key = os.path.join(folder, "backend.pem"), os.path.join(folder, "backend.key")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RaceError(f"openssl cannot make a certificate: {made.stderr.strip()}")
    os.chmod(certificate, 0o644)  # nginx's worker runs as another user
    return certificate, key
