from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from streams.batch_histogram import BatchHistogram

BOUNDS = (0.01, 0.5, 1, 30)
values = st.floats(0, 100) | st.sampled_from(BOUNDS)


@given(st.lists(st.tuples(st.sampled_from(["new", "changed"]), st.lists(values, min_size=1)), max_size=5))
def test_it_shows_what_a_histogram_shows_that_was_given_value_by_value(
    batches: Sequence[tuple[str, list[float]]],
):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    by_batch = BatchHistogram("wait_seconds", "How long", ["change"], BOUNDS, ours)
    by_value = Histogram("wait_seconds", "How long", ["change"], buckets=BOUNDS, registry=theirs)
    for label, batch in batches:
        by_batch.observe((label,), batch)
        for value in batch:
            by_value.labels(label).observe(value)

    assert samples(ours) == samples(theirs)


def samples(registry: CollectorRegistry) -> dict[str, float]:
    lines = [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]
    pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: round(float(value), 6) for name, _, value in pairs}
