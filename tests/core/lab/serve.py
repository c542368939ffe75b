"""Servers of the lab: one line of input per endpoint, `ADDRESS PROTO PORT BEHAVIOUR`.

Behaviours: mute, http, ssh, tls (with chain.pem and key.pem of the working folder), and stun, mute
over UDP.

Prints `ready` once all of them listen. Ends when its standard input closes.
"""

import asyncio
import socket
import ssl
import struct
import sys


async def tcp(address, port, behaviour):
    async def serve(reader, writer):
        try:
            if behaviour == "ssh":
                writer.write(b"SSH-2.0-lab\r\n")
                await writer.drain()
            data = await asyncio.wait_for(reader.read(4096), 5)
            if behaviour == "http" and data:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
                await writer.drain()
            elif behaviour == "mute":
                while await asyncio.wait_for(reader.read(4096), 5):
                    pass
        except (asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()

    context = None
    if behaviour == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain("chain.pem", "key.pem")
    await asyncio.start_server(serve, address, port, ssl=context)


class Stun(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        if len(data) < 20 or data[:2] != b"\x00\x01" or data[4:8] != b"\x21\x12\xa4\x42":
            return
        port = peer[1] ^ 0x2112
        address = bytes(a ^ b for a, b in zip(socket.inet_aton(peer[0]), data[4:8]))
        value = struct.pack("!BBH", 0, 1, port) + address
        attribute = struct.pack("!HH", 0x0020, len(value)) + value
        self.transport.sendto(struct.pack("!HH", 0x0101, len(attribute)) + data[4:20] + attribute, peer)


class Mute(asyncio.DatagramProtocol):
    pass


async def main():
    loop = asyncio.get_running_loop()
    count = int(sys.stdin.readline())
    for _ in range(count):
        address, protocol, port, behaviour = sys.stdin.readline().split()
        if protocol == "udp":
            kind = Stun if behaviour == "stun" else Mute
            await loop.create_datagram_endpoint(kind, local_addr=(address, int(port)))
        else:
            await tcp(address, int(port), behaviour)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
