"""The proxies of a race, each with one worker and tuned for the workload, and how to start them.

What is equal for all: HTTP/1.1 and kept connections on both sides, no limit on requests per connection, TCP_NODELAY, the
backend's credential set by the proxy, the backend's certificate verified, no access log unless the name says so. Where there is
a choice, a rival has its fastest one. Not here: measuring.
"""
import os
import shutil
import textwrap

from processes import Program, RaceError, free_port

API_KEY = "race-key"


class Direct:
    """No proxy: the floor for latency, and how fast generator and backend are together."""
    name, about = "direct", "load straight to the backend, the floor"

    def __init__(self, setting):
        self.setting = setting

    def start(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def stop(self):
        pass

    def pids(self):
        return []

    @property
    def url(self):
        return f"{'https' if self.setting.workload.tls else 'http'}://127.0.0.1:{self.setting.backend_port}"

    @staticmethod
    def missing(_):
        return None


class Proxy:
    """What the real proxies share; a subclass says which files and which command line."""
    package = ""
    program_name = ""

    def __init__(self, setting):
        self.setting = setting
        self.port = 0
        self.program = None

    @classmethod
    def missing(cls, _):
        """What is missing to start it, or None."""
        return None if cls.find() else cls.package

    @classmethod
    def find(cls):
        return shutil.which(cls.program_name) or shutil.which(cls.program_name, path="/usr/sbin:/usr/local/sbin")

    def start(self):
        """Starts it on a free port; a second try when somebody took that port meanwhile."""
        for last in (False, True):
            self.port = free_port()
            self.program = Program(self.name, self.command(), self.setting.proxy_cpu, self.setting.folder, self.environment(),
                                   self.output())
            try:
                self.program.wait_for_port(self.port)
                return self
            except RaceError:
                self.stop()
                if last:
                    raise
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.program:
            self.program.stop()

    def pids(self):
        return self.program.pids()

    def environment(self):
        return None

    def output(self):
        return None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def write(self, file_name, text):
        path = os.path.join(self.setting.folder, file_name)
        with open(path, "w", encoding="ascii") as file:
            file.write(textwrap.dedent(text))
        return path


class Nginx(Proxy):
    """Holds a request until it is whole, as Headroom does; passing it on in pieces is not faster."""
    name, about = "nginx", "access_log off"
    package = program_name = "nginx"
    access_log = "off"

    def command(self):
        setting = self.setting
        tls = f"""
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_session_reuse on;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {setting.certificate};
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;""" if setting.workload.tls else ""
        config = self.write(f"{self.name}-{self.port}.conf", f"""\
            daemon off;
            pid {setting.folder}/{self.name}-{self.port}.pid;
            error_log stderr error;
            worker_processes 1;
            worker_rlimit_nofile {setting.descriptors};
            events {{
                use epoll;
                worker_connections 4096;
                multi_accept on;
                accept_mutex off;
            }}
            http {{
                access_log {self.access_log};
                tcp_nodelay on;
                keepalive_timeout 1h;
                keepalive_requests 1000000000;
                client_body_buffer_size 128k;
                client_body_temp_path {setting.folder}/nginx-body;
                proxy_temp_path {setting.folder}/nginx-proxy;
                fastcgi_temp_path {setting.folder}/nginx-fastcgi;
                uwsgi_temp_path {setting.folder}/nginx-uwsgi;
                scgi_temp_path {setting.folder}/nginx-scgi;
                upstream backend {{
                    server 127.0.0.1:{setting.backend_port};
                    keepalive 1024;
                    keepalive_timeout 1h;
                    keepalive_requests 1000000000;
                }}
                server {{
                    listen 127.0.0.1:{self.port} reuseport backlog=4096;
                    location / {{
                        proxy_pass {'https' if setting.workload.tls else 'http'}://backend;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_set_header api-key {API_KEY};
                        proxy_buffering {'off' if setting.workload.streams else 'on'};
                        proxy_buffer_size 16k;
                        proxy_buffers 8 16k;
                        proxy_read_timeout 1h;{tls}
                    }}
                }}
            }}
            """)
        return [self.find(), "-p", setting.folder, "-c", config, "-e", "stderr"]


class NginxLog(Nginx):
    """As nginx, writing its access log to nowhere, as headroom-log does."""
    name, about = "nginx-log", "access log of the default format to /dev/null"
    access_log = "/dev/null"


class HaProxy(Proxy):
    """Passes a request on in pieces: holding it (option http-buffer-request) costs it up to half as much again on 64 KB."""
    name, about = "haproxy", "no log"
    package = program_name = "haproxy"

    def command(self):
        setting = self.setting
        tls = f" ssl verify required ca-file {setting.certificate} sni str(localhost) ssl-min-ver TLSv1.3" if setting.workload.tls else ""
        config = self.write(f"{self.name}-{self.port}.cfg", f"""\
            global
                nbthread 1
                maxconn 4096
                tune.bufsize {98304 if setting.workload.body_bytes > 8192 else 16384}
            defaults
                mode http
                timeout connect 10s
                timeout client 1h
                timeout server 1h
                timeout http-keep-alive 1h
                option http-keep-alive
                option http-no-delay
                http-reuse always
            frontend clients
                bind 127.0.0.1:{self.port} backlog 4096
                default_backend backends
            backend backends
                http-request set-header api-key {API_KEY}
                server backend 127.0.0.1:{setting.backend_port}{tls} pool-max-conn 4096 pool-purge-delay 1h
            """)
        return [self.find(), "-db", "-f", config]


class Headroom(Proxy):
    """One backend; routing, token counting, metering and metrics are on, as always."""
    name, about = "headroom", "io_uring, --log-level error"
    program_name = "headroom"
    io = "uring"
    log_level = "error"

    @classmethod
    def missing(cls, build):
        program = os.path.join(build, "bin", cls.program_name)
        return None if os.access(program, os.X_OK) else program

    def command(self):
        program = os.path.join(self.setting.build, "bin", self.program_name)
        return [program, "--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{free_port()}", "--workers", "1",
                "--io", self.io]

    def environment(self):
        setting = self.setting
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("BACKEND_", "HEADROOM_", "AZURE_", "IDENTITY_"))}
        kept |= {
            "BACKEND_1_URL": f"{'https' if setting.workload.tls else 'http'}://127.0.0.1:{setting.backend_port}",
            "BACKEND_1_PRIORITY": "1",
            "BACKEND_1_APIKEY": API_KEY,
            "HEADROOM_LOG_LEVEL": self.log_level,
        }
        if setting.workload.tls:
            kept |= {"BACKEND_1_TLS_CA_FILE": setting.certificate, "BACKEND_1_TLS_SERVER_NAME": "localhost"}
        return kept


class HeadroomLog(Headroom):
    """A line per request, written to nowhere."""
    name, about = "headroom-log", "io_uring, access log to /dev/null"
    log_level = "info"

    def output(self):
        return self.setting.nowhere


class HeadroomEpoll(Headroom):
    """The flavour for places where the kernel refuses io_uring."""
    name, about = "headroom-epoll", "epoll, --log-level error"
    program_name = "headroom-epoll"
    io = "epoll"


CONTENDERS = {kind.name: kind for kind in (Direct, Nginx, HaProxy, Headroom, HeadroomEpoll, HeadroomLog, NginxLog)}
DEFAULT_CONTENDERS = ("direct", "nginx", "haproxy", "headroom", "headroom-epoll", "headroom-log")
