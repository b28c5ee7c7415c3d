"""A cable between two network devices that delays, reorders and loses packets.

    bad_network.py [--delay_ms=20] [--jitter_ms=5] [--loss=0.01] [--seed=1] NAME NAME

makes two TUN devices, prints "ready", and moves packets between them until SIGTERM; then it prints how many it took and
lost. The devices may be moved into other network namespaces meanwhile. Each packet is delayed by itself, so that one
may overtake another, as with the kernel's netem, which not every kernel has.
"""

import argparse
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
LARGEST_PACKET = 65536


def make_device(name):
    """Makes a TUN device and returns its file, which gives and takes one IP packet at a time."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
    return device


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay_ms", type=float, default=20)
    parser.add_argument("--jitter_ms", type=float, default=5)
    parser.add_argument("--loss", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("name", nargs=2)
    arguments = parser.parse_args()

    try:
        devices = [make_device(name) for name in arguments.name]
    except OSError as error:
        sys.exit(f"cannot make a TUN device: {error}")
    other_end = dict(zip(devices, reversed(devices)))
    print("ready", flush=True)

    def stop(*_):
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    chance = random.Random(arguments.seed)
    under_way = []  # (when it arrives, its number, where, the packet), the next one first
    taken = lost = 0
    try:
        while True:
            patience = max(0, under_way[0][0] - time.monotonic()) if under_way else None
            for device in select.select(devices, [], [], patience)[0]:
                try:
                    packet = os.read(device, LARGEST_PACKET)
                except OSError:  # the device is not up yet
                    continue
                taken += 1
                if chance.random() < arguments.loss:
                    lost += 1
                    continue
                delay_ms = arguments.delay_ms + chance.uniform(-1, 1) * arguments.jitter_ms
                heapq.heappush(under_way, (time.monotonic() + delay_ms / 1000, taken, other_end[device], packet))
            while under_way and under_way[0][0] <= time.monotonic():
                _, _, device, packet = heapq.heappop(under_way)
                try:
                    os.write(device, packet)
                except OSError:  # the device is down, or its queue full: the packet is lost as on a real network
                    lost += 1
    finally:
        print(f"{taken} packets, {lost} lost", flush=True)


main()
