"""Pods of the chart as processes of this machine: what is rendered is run as a container would be. Takes root.

A container here has its own network and file system: the pod's volumes where the chart mounts them, the program, and a
root that is read-only. It runs as the pod's user, without capabilities. Kubernetes' services, probes, seccomp profile,
limits and network policies are not there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.charts import Resource
from tests.paths import ROOT
from tests.scale.network import Machine

IMAGE_ENV = {
    "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/bin:/bin",
    "PYTHONPATH": "/app",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "HOME": "/data",
    "VITRINE_DATA_DIR": "/data",
}
"""As `deploy/docker/Dockerfile` sets it, but for where the program is."""
OF_THE_SYSTEM = tuple(map(Path, ("/usr", "/bin", "/lib", "/lib64", "/etc/passwd", "/etc/ld.so.cache", "/etc/ssl")))
OF_THE_KERNEL = tuple(map(Path, ("/dev", "/proc", "/sys")))


@dataclass(frozen=True, slots=True)
class Namespace:
    """What pods refer to.

    Attributes:
        directory: of volumes.
        config_maps: their files, by name of the map.
        secrets: their keys and values, by name of the secret.
        hosts: names that are known beside `localhost`, and their addresses.
    """

    directory: Path
    config_maps: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, Mapping[str, str]]
    hosts: Mapping[str, str]


@dataclass(slots=True)
class Pod:
    """A pod of one container, by its template."""

    template: Resource
    machine: Machine
    namespace: Namespace
    running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    @property
    def container(self) -> Resource:
        """Its only one."""
        (container,) = self.template["spec"]["containers"]
        return container

    @property
    def log(self) -> Path:
        """What its container says."""
        return self.namespace.directory / f"{self.machine.name}.log"

    def start(self) -> subprocess.Popen[bytes]:
        """Start the container: its command, or its arguments to the image's entry point."""
        command = [*self.container.get("command", ["vitrine"]), *self.container.get("args", [])]
        with self.log.open("ab") as log:
            process = subprocess.Popen(self._argv(command), stdout=log, stderr=log)
        self.running.append(process)
        return process

    def execute(self, *command: str, given: str = "") -> str:
        """`kubectl exec -i`: what it prints; fails where the command does."""
        done = subprocess.run(self._argv(command), input=given, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stop(self) -> None:
        """End it as Kubernetes does, and not wait for long."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def url(self, path: str, port: str) -> str:
        """An address at a port of its container, by the port's name."""
        numbers = {one["name"]: one["containerPort"] for one in self.container["ports"]}
        return f"http://{self.machine.address}:{numbers[port]}{path}"

    def _argv(self, command: Sequence[str]) -> list[str]:
        root = self.namespace.directory / f"{self.machine.name}-root"
        root.mkdir(exist_ok=True)
        script = "\n".join([*self._mounts(root), f"exec {shlex.join(self._inside(root, command))}"])
        return self.machine.argv(["unshare", "--mount", "--propagation", "private", "sh", "-ec", script])

    def _inside(self, root: Path, command: Sequence[str]) -> list[str]:
        """The command, under the root, as the pod's user, with the container's variables and nothing else."""
        user = self.template["spec"]["securityContext"]
        rights = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        who = [f"--reuid={user['runAsUser']}", f"--regid={user['runAsGroup']}", f"--groups={user['fsGroup']}"]
        variables = [f"{name}={value}" for name, value in (IMAGE_ENV | self._variables()).items()]
        where = f"--chdir={self.container['workingDir']}"
        return ["chroot", str(root), "setpriv", *who, *rights, "env", "-i", where, *variables, *command]

    def _variables(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in self.container["env"]:
            reference = one.get("valueFrom", {}).get("secretKeyRef")
            if reference is None:
                found[one["name"]] = one["value"]
            elif reference["key"] in (secret := self.namespace.secrets[reference["name"]]) or not reference["optional"]:
                found[one["name"]] = secret[reference["key"]]
        return found

    def _mounts(self, root: Path) -> list[str]:
        """Lines of a shell that make the root."""
        lines = [_mount("-t", "tmpfs", "-o", "mode=0755,size=1m", "root", root)]
        for path in (*OF_THE_SYSTEM, *OF_THE_KERNEL, Path(sys.base_prefix), Path(sys.prefix)):
            lines += _symlink(path, root) if path.is_symlink() else _bind(path, root, path)
        lines += _bind(ROOT, root, Path("/app"))
        lines += _bind(self._hosts(), root, Path("/etc/hosts"))
        volumes = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        for mount in sorted(self.container["volumeMounts"], key=lambda one: one["mountPath"]):
            source = self._volume(volumes[mount["name"]])
            lines += _bind(source, root, Path(mount["mountPath"]), writable=not mount.get("readOnly", False))
        return [*lines, _mount("-o", "remount,ro", root)]

    def _hosts(self) -> Path:
        file = self.namespace.directory / "hosts"
        names = {"localhost": "127.0.0.1", **self.namespace.hosts}
        file.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
        return file

    def _volume(self, volume: Resource) -> Path:
        """A volume's directory, with what is in it."""
        if "persistentVolumeClaim" in volume:
            return self._writable(self.namespace.directory / volume["persistentVolumeClaim"]["claimName"])
        directory = self.namespace.directory / f"{self.machine.name}-{volume['name']}"
        if "emptyDir" in volume:
            return self._writable(directory)
        if "configMap" in volume:
            return _written(directory, self.namespace.config_maps[volume["configMap"]["name"]], 0o444, 0)
        mode, group = volume["secret"]["defaultMode"], self.template["spec"]["securityContext"]["fsGroup"]
        return _written(directory, self.namespace.secrets[volume["secret"]["secretName"]], mode, group)

    def _writable(self, directory: Path) -> Path:
        """A directory that belongs to the pod's group."""
        directory.mkdir(exist_ok=True)
        os.chown(directory, 0, self.template["spec"]["securityContext"]["fsGroup"])
        directory.chmod(0o2777)
        return directory


def _written(directory: Path, files: Mapping[str, str], mode: int, group: int) -> Path:
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    for name, text in files.items():
        (file := directory / name).write_text(text)
        os.chown(file, 0, group)
        file.chmod(mode)
    return directory


def _bind(source: Path, root: Path, target: Path, *, writable: bool = False) -> list[str]:
    place = root / target.relative_to("/")
    made = shlex.join(["mkdir", "-p", str(place if source.is_dir() else place.parent)])
    touched = [] if source.is_dir() else [shlex.join(["touch", str(place)])]
    if target in OF_THE_KERNEL:
        return [made, _mount("--rbind", source, place)]
    return [made, *touched, _mount("--bind", "-o", "rw" if writable else "ro", source, place)]


def _symlink(path: Path, root: Path) -> list[str]:
    return [shlex.join(["ln", "-s", str(path.readlink()), str(root / path.relative_to("/"))])]


def _mount(*arguments: str | Path) -> str:
    return shlex.join(["mount", *map(str, arguments)])
