"""Settings from defaults, file, environment and flags."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from encoders.inference.runtime import Runtime
from encoders.pretrained import standard
from vitrine.errors import InvalidSetting
from vitrine.settings import EncoderConfig, absolute_encoder_name, as_environment, load_settings, section_types
from vitrine.settings_loading import environment_variable, load_config


@dataclass(frozen=True)
class Broker:
    servers: str | None = None
    partitions: Annotated[int, Meta(ge=1)] = 6
    timeout_s: float = 2.5
    tls: bool = False
    mode: Literal["fast", "safe"] = "safe"
    hosts: tuple[str, ...] = ()
    token: str = ""
    url: str = ""
    pass_phrase: str = field(default="", metadata={"secret": True})

    def __post_init__(self) -> None:
        if self.timeout_s <= 0:
            raise ValueError("broker.timeout_s must be positive")


SECTIONS = {"broker": Broker}


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def origins(config):
    return {setting.key: setting.origin for setting in config.settings}


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default():
    Path("vitrine.toml").write_text("[broker]\npartitions = 2\ntimeout_s = 3\ntls = true\n", encoding="utf-8")
    environ = {"VITRINE_BROKER_PARTITIONS": "3", "VITRINE_BROKER_TIMEOUT_S": "4"}
    config = load_config(SECTIONS, environ, flags={"broker.partitions": 4, "broker.mode": None})
    assert config.sections["broker"] == Broker(partitions=4, timeout_s=4.0, tls=True)
    assert origins(config)["broker.partitions"] == "flag"
    assert origins(config)["broker.timeout_s"] == "environment VITRINE_BROKER_TIMEOUT_S"
    assert origins(config)["broker.tls"] == "file vitrine.toml"
    assert origins(config)["broker.mode"] == "default"


def test_every_type_is_read_from_the_environment():
    environ = {
        "VITRINE_BROKER_SERVERS": "a:1,b:2",
        "VITRINE_BROKER_TLS": "true",
        "VITRINE_BROKER_MODE": "fast",
        "VITRINE_BROKER_HOSTS": "one, two",
        "VITRINE_BROKER_TOKEN": "",
    }
    broker = load_config(SECTIONS, environ).sections["broker"]
    assert broker == Broker(servers="a:1,b:2", tls=True, mode="fast", hosts=("one", "two"))


def test_every_fault_is_named_at_once_with_a_suggestion():
    Path("vitrine.toml").write_text(
        "[broker]\npartitons = 2\ntls = 'maybe'\n[brokre]\nmode = 'safe'\n", encoding="utf-8"
    )
    environ = {"VITRINE_BROKER_PARTITIONS": "0", "VITRINE_BROKER_MOD": "fast", "VITRINE_BROKER_MODE": "slow"}
    with pytest.raises(InvalidSetting) as refused:
        load_config(SECTIONS, environ)
    told = "\n".join(refused.value.problems)
    assert "unknown key `broker.partitons`; did you mean broker.partitions?" in told
    assert "unknown key `brokre.mode`; did you mean broker.mode?" in told
    assert "unknown environment variable VITRINE_BROKER_MOD; did you mean VITRINE_BROKER_MODE?" in told
    assert "broker.tls = 'maybe' (file vitrine.toml): Expected bool" in told
    assert "broker.partitions = '0' (environment VITRINE_BROKER_PARTITIONS): Expected int >= 1" in told
    assert "broker.mode = 'slow'" in told
    assert len(refused.value.problems) == 6


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "x"])
def test_a_number_that_is_none_or_out_of_bounds_is_refused(value):
    with pytest.raises(InvalidSetting, match="timeout_s"):
        load_config(SECTIONS, {"VITRINE_BROKER_TIMEOUT_S": value})


def test_secrets_are_masked_wherever_they_are_shown():
    environ = {
        "VITRINE_BROKER_TOKEN": "hidden1",
        "VITRINE_BROKER_PASS_PHRASE": "hidden2",
        "VITRINE_BROKER_URL": "redis://me:hidden3@host/0?password=hidden4",
    }
    shown = {setting.key: setting.shown for setting in load_config(SECTIONS, environ).settings}
    assert "hidden" not in str(shown)
    assert shown["broker.url"] == "redis://me:***@host/0?password=***"


def test_a_bad_value_of_a_secret_is_not_echoed():
    Path("vitrine.toml").write_text("[broker]\ntoken = ['hidden']\n", encoding="utf-8")
    with pytest.raises(InvalidSetting) as refused:
        load_config(SECTIONS, {})
    assert "broker.token" in str(refused.value)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("text", ["[broker", "broker = 3\n", "\x00"])
def test_a_file_that_cannot_be_used_is_refused_by_name(text):
    Path("vitrine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSetting, match=r"vitrine\.toml"):
        load_config(SECTIONS, {})


def test_a_file_that_is_named_must_exist():
    with pytest.raises(InvalidSetting, match=r"other\.toml cannot be read"):
        load_config(SECTIONS, {}, file=Path("other.toml"))


def test_the_data_dir_honours_xdg_and_its_own_variable(tmp_path):
    assert load_config(SECTIONS, {"XDG_DATA_HOME": "/x"}).data_dir == Path("/x/vitrine")
    assert load_config(SECTIONS, {"XDG_DATA_HOME": "relative"}).data_dir == Path.home() / ".local/share/vitrine"
    assert load_config(SECTIONS, {"VITRINE_DATA_DIR": "here"}).data_dir == tmp_path / "here"
    Path("vitrine.toml").write_text("data_dir = '~/there'\n", encoding="utf-8")
    assert load_config(SECTIONS, {}).data_dir == Path.home() / "there"


def test_the_real_sections_have_distinct_variables_and_load_from_nothing():
    settings = load_settings({})
    assert settings.kafka.bootstrap_servers == ""
    keys = [f"{name}.{item}" for name, kind in section_types().items() for item in kind.__dataclass_fields__]
    assert len({environment_variable(key) for key in keys}) == len(keys)


def test_a_process_of_ours_reads_the_same_settings_from_its_environment(tmp_path):
    text = """
        [indexing]
        batch_events = 77
        [query]
        lexical = 0.75
        text_trust = false
        [media]
        private_hosts = ["a.example", "b.example"]
        [milvus]
        token = "secret"
        """
    file = tmp_path / "vitrine.toml"
    file.write_text(text)
    settings = load_settings({}, file)
    passed = as_environment(settings)
    assert load_settings({**passed, "VITRINE_DATA_DIR": str(settings.data_dir)}) == settings
    assert len(passed) == 5, "defaults are not passed on"


def test_files_of_settings_are_found_by_processes_in_other_directories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kafka = {"BOOTSTRAP_SERVERS": "kafka:9093", "SECURITY_PROTOCOL": "SSL", "SSL_CAFILE": "certificates/ca.pem"}
    passed = as_environment(load_settings({f"VITRINE_KAFKA_{name}": value for name, value in kafka.items()}))
    assert passed["VITRINE_KAFKA_SSL_CAFILE"] == str(tmp_path / "certificates/ca.pem")


def test_an_encoder_in_a_directory_is_found_from_any_other(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute_encoder_name("model") == str(tmp_path / "model")
    assert absolute_encoder_name("./model#64") == str(tmp_path / "model#64")
    assert absolute_encoder_name("mini") == "mini"
    assert absolute_encoder_name("mini#64") == "mini#64"


def test_how_an_encoder_is_run_is_a_setting_and_its_values_are_checked(tmp_path):
    environ = {
        "VITRINE_ENCODER_BACKEND": "torch",
        "VITRINE_ENCODER_PRECISION": "bfloat16",
        "VITRINE_ENCODER_THREADS": "2",
    }
    assert load_settings(environ).encoder.runtime == Runtime("auto", "torch", "bfloat16", threads=2)
    with pytest.raises(InvalidSetting, match=r"encoder\.backend = 'tensorflow'"):
        load_settings({"VITRINE_ENCODER_BACKEND": "tensorflow"})
    with pytest.raises(InvalidSetting, match=r"\[encoder\]: threads must be at least 0"):
        load_settings({"VITRINE_ENCODER_THREADS": "-1"})


def test_a_new_index_gets_standard_where_its_packages_are_and_mini_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for is_there, name in ((True, "standard"), (False, "mini")):
        monkeypatch.setattr(standard, "is_available", lambda is_there=is_there: is_there)
        assert EncoderConfig().name_for_new_index == name
        assert EncoderConfig().name_for_nameless_index == "mini"
        assert EncoderConfig("hash").name_for_new_index == EncoderConfig("hash").name_for_nameless_index == "hash"
