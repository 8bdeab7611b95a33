"""Data sets of TFDS, prepared on this machine before they are read."""

import pathlib
import socket
import urllib.parse
import urllib.request
from typing import Any


def prepared(name: str, data_dir: str | None) -> Any:
    """Downloads and prepares a data set where that has not been done yet.

    Args:
        name: TFDS name, for example `cifar10` or `cifar10:3.0.2`.
        data_dir: TFDS directory; None: `TFDS_DATA_DIR` or the TFDS default.

    Returns:
        Its `tfds.core.DatasetBuilder`.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        ConnectionError: If it would be downloaded and no host is known.
        Exception: Of many types, what TFDS raises.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        _check_network(builder)
        builder.download_and_prepare()
    return builder


def gist(error: Exception) -> str:
    """First line of an error of TFDS, which may list all its data sets."""
    return next(iter(str(error).strip().splitlines()), "").rstrip(".!:")[:300]


def _check_network(builder: Any) -> None:
    """Refuses at once what TFDS would try for minutes.

    Left to TFDS is what a proxy resolves, what users download by hand, and
    what may have been downloaded before.
    """
    hosts = {urllib.parse.urlsplit(url).hostname for url in builder.url_infos}
    by_hand = bool(builder.MANUAL_DOWNLOAD_INSTRUCTIONS)
    proxies = urllib.request.getproxies()
    has_proxy = any(name in proxies for name in ("http", "https", "all"))
    if not hosts or by_hand or has_proxy or _is_begun(builder):
        return
    if not any(_resolves(host) for host in hosts):
        raise ConnectionError(
            f"no address is found for {', '.join(sorted(hosts))}"
        )


def _is_begun(builder: Any) -> bool:
    """Whether there are files that may be its downloads."""
    depth = len(pathlib.PurePosixPath(builder.info.full_name).parts)
    root = pathlib.Path(builder.data_dir).parents[depth - 1] / "downloads"
    files = (*root.glob("*"), *(root / builder.name).rglob("*"))
    return any(path.is_file() for path in files)


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
