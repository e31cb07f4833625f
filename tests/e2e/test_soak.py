"""A small soak: everything that is counted in a long one is counted right, and nothing is found wrong."""

from bench.soak import Options, soak

# A mail whose hand-over a fault has struck leaves only after this time: in life it is ten minutes.
SETTLES = 45


def test_mail_under_faults_is_where_it_must_be_exactly_once() -> None:
    hasty = Options(mails=50, minutes=0.1, seed=3, kills=False, hosts=1, quiet_minutes=15, settles=SETTLES)
    report = soak(hasty)

    assert not report.failures, str(report)
