"""Runs the rounds: the contenders one after the other, in another order each time, under the same load.

Every measurement is one run of tools/load, which reads the proxy's CPU clock over exactly the time it measures.
"""
import contextlib
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass

from contenders import CONTENDERS
from processes import Program, RaceError, busy_seconds, cpu_seconds, make_certificate, prepare
from workloads import PATH


@dataclass
class Setting:
    """What the contenders of one workload share."""
    workload: object
    build: str
    folder: str
    proxy_cpu: int
    load_cpu: int
    backend_cpu: int
    backend_port: int = 0
    certificate: str = ""
    nowhere: object = None
    descriptors: int = 1024


@dataclass(frozen=True)
class Pace:
    """How long, how often, and with how much less in smoke mode."""
    rounds: int
    seconds: float
    warmup: float
    quick: bool

    def rate(self, workload):
        return workload.rate if not self.quick else 500

    def ramp(self, workload):
        """Streams begin spread over this many seconds; the measurement only once all have."""
        return 0 if not workload.streams else 0.1 if self.quick else 1.0


class Backend:
    """mock_azure with canned answers."""

    def __init__(self, setting, key):
        workload = setting.workload
        tls = f",tls={setting.certificate}:{key}" if workload.tls else ""
        self.program = Program("backend", [os.path.join(setting.build, "bin", "mock_azure"), "--backend", f"race,port=0{tls}",
                                           *workload.answer], setting.backend_cpu, setting.folder, output=subprocess.PIPE)
        self.port = 0
        for line in self.program.child.stdout:
            event = json.loads(line)
            if event["event"] == "listening":
                self.port = int(event["url"].rsplit(":", 1)[1])
            if event["event"] == "ready":
                return
        self.program.stop()
        raise RaceError(f"mock_azure did not start: {self.program.last_words()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()
        self.program.child.stdout.close()


def load_command(setting, contender, arguments):
    """A command line of tools/load for this workload."""
    workload = setting.workload
    command = [os.path.join(setting.build, "bin", "load"), "--json", "--quiet", "--allow-errors", "--body-bytes",
               str(workload.body_bytes), "-H", "api-key: client-key", *arguments]
    if workload.streams:
        command.append("--stream")
    if contender.url.startswith("https"):
        command += ["--ca", setting.certificate]
    if contender.pids():
        command += ["--watch-pid", ",".join(map(str, contender.pids()))]
    return command + [contender.url + PATH]


def run_load(setting, contender, arguments):
    """Runs load on its CPU; its JSON."""
    child = subprocess.Popen(load_command(setting, contender, arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, start_new_session=True,
                             preexec_fn=prepare(setting.load_cpu))
    try:
        out, err = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    if not out:
        raise RaceError(f"load failed against {contender.name}: {err.strip()}")
    return json.loads(out)


def check_answers(setting, running):
    """Every contender gives the same answer, byte for byte, and no other status than 200."""
    wanted = None
    for contender in running:
        found = run_load(setting, contender, ["-n", "20", "-c", "2", "--same-body"])
        if found["failed"] or found["status"] != {"200": 20}:
            words = contender.program.last_words() if contender.name != "direct" else ""
            raise RaceError(f"{contender.name} fails {setting.workload.name}: status {found['status']}, "
                            f"{found['first_failure']}\n{words}")
        digest = (found["body_bytes"], found["body_sha256"])
        wanted = wanted or digest
        if digest != wanted:
            raise RaceError(f"{contender.name} gives another answer to {setting.workload.name} than {running[0].name}: "
                            f"{digest[0]} bytes instead of {wanted[0]}, or other ones")


def phase_arguments(workload, phase, pace):
    """How load is driven in this phase."""
    ramp = pace.ramp(workload)
    arguments = ["-c", str(workload.connections), "-d", f"{pace.seconds}s", "--warmup", f"{pace.warmup + ramp}s"]
    if phase == "paced":
        arguments += ["-r", str(pace.rate(workload))]
    if ramp:
        arguments += ["--ramp", f"{ramp}s"]
    return arguments


def measure(setting, contender, backend, phase, pace):
    """One measurement, and how much of both CPUs belonged to somebody else meanwhile."""
    cpus = {"proxy": setting.proxy_cpu, "load": setting.load_cpu}
    busy = {name: busy_seconds(cpu) for name, cpu in cpus.items()}
    proxy, served, began = cpu_seconds(contender.pids()), cpu_seconds(backend.program.pids()), time.monotonic()
    children = os.times()
    result = run_load(setting, contender, phase_arguments(setting.workload, phase, pace))
    lasted = time.monotonic() - began
    ended = os.times()
    own = (ended.children_user - children.children_user) + (ended.children_system - children.children_system)
    proxy, served = cpu_seconds(contender.pids()) - proxy, cpu_seconds(backend.program.pids()) - served
    busy = {name: busy_seconds(cpu) - busy[name] for name, cpu in cpus.items()}
    if setting.backend_cpu != setting.load_cpu:
        served = 0
    if setting.proxy_cpu == setting.load_cpu:
        proxy = own = served = proxy + own + served
    result["strangers"] = max(0.0, busy["proxy"] - proxy, busy["load"] - own - served) / lasted
    result["load_cpu_busy"] = busy["load"] / lasted
    return result


def run_workload(workload, names, pace, machine, say):
    """All rounds of one workload: {contender: {phase: [result per round]}}; `say` shows progress."""
    results = {name: {phase: [] for phase in workload.phases} for name in names}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="headroom-race-"))
        os.chmod(folder, 0o755)
        setting = Setting(workload=workload, folder=folder, **machine)
        setting.nowhere = stack.enter_context(open(os.devnull, "wb"))
        key = ""
        if workload.tls:
            setting.certificate, key = make_certificate(folder)
        backend = stack.enter_context(Backend(setting, key))
        setting.backend_port = backend.port
        running = []
        for name in names:
            contender = CONTENDERS[name](setting)
            stack.callback(contender.stop)
            running.append(contender.start())
        check_answers(setting, running)
        for number in range(pace.rounds):
            turn = number % len(running)
            for phase in workload.phases:
                for contender in running[turn:] + running[:turn]:
                    say(workload, phase, contender.name, number)
                    results[contender.name][phase].append(measure(setting, contender, backend, phase, pace))
    return results
