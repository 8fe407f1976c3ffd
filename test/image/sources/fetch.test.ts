import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { ImageError } from '#src/errors.js';
import { type FetchOptions, fetchBytes } from '#src/image/fetch.js';
import { isPublicAddress } from '#src/image/fetch-address.js';
import { readSource } from '#src/image/source.js';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(handler: http.RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = http.createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

const open = { allowPrivateAddresses: true };
const picture = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) & 255));

async function failure(reading: Promise<unknown>): Promise<ImageError> {
  const error = await reading.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ImageError);
  return error as ImageError;
}

describe('reading URLs', () => {
  it('reads a body, with and without a length, and keeps the connection for the next', async () => {
    const ports = new Set<number | undefined>();
    const base = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      if (request.url === '/chunked') {
        response.write(picture.subarray(0, 1000));
        response.end(picture.subarray(1000));
      } else response.setHeader('content-length', picture.length).end(picture);
    });
    expect(await readSource(`${base}/sized`, open)).toEqual(new Uint8Array(picture));
    expect(await readSource(new URL(`${base}/chunked`), open)).toEqual(new Uint8Array(picture));
    expect(ports.size).toBe(1);
  });

  it('undoes a content-encoding that was not asked for, within the byte limit', async () => {
    const base = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(1_000_000)));
    });
    expect(((await readSource(base, open)) as Uint8Array).length).toBe(1_000_000);
    expect((await failure(readSource(base, { ...open, maxBytes: 999_999 }))).reason).toContain('999999');
  });

  it.each([
    [404, 'the server answered 404 Not Found'],
    [500, 'the server answered 500 Internal Server Error'],
    [204, 'the server answered 204 No Content'],
  ])('gives the status %i as the reason', async (status, reason) => {
    const base = await serve((_, response) => response.writeHead(status).end());
    expect((await failure(readSource(base, open))).reason).toBe(reason);
  });

  it('stops at maxBytes, announced or not', async () => {
    let sent = 0;
    const base = await serve((request, response) => {
      if (request.url === '/announced') {
        response.setHeader('content-length', 10_000_000_000);
        response.write(picture);
        return;
      }
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    const limited = { ...open, maxBytes: 1_000_000 };
    expect((await failure(readSource(`${base}/announced`, limited))).reason).toContain('10000000000 bytes');
    expect((await failure(readSource(`${base}/endless`, limited))).reason).toContain(
      'more than 1000000 bytes',
    );
    expect(sent).toBeLessThan(60_000_000);
  });

  it('applies one time-out to headers, slow bodies and redirects together', async () => {
    const base = await serve((request, response) => {
      if (request.url === '/silent') return;
      if (request.url === '/hop') {
        setTimeout(() => response.writeHead(302, { location: '/hop' }).end(), 100);
        return;
      }
      // A byte now and then keeps an idle time-out from ever firing.
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    for (const page of ['silent', 'drip', 'hop']) {
      const start = performance.now();
      const error = await failure(readSource(`${base}/${page}`, { ...open, timeoutMs: 250 }));
      expect(error.reason, page).toBe('not read to its end within 0.25 s');
      expect(performance.now() - start).toBeLessThan(2000);
    }
  });

  it('notices a body that ends before its length', async () => {
    const base = await serve((_, response) => {
      response.setHeader('content-length', 9000);
      response.write(picture, () => response.socket?.destroy());
    });
    expect((await failure(readSource(base, open))).reason).toMatch(
      /^the connection broke after 5000 of 9000 bytes/,
    );
  });

  it('follows five redirects and no more, relative ones too', async () => {
    const base = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left > 0) response.writeHead(307, { location: String(left - 1) }).end();
      else response.end(picture);
    });
    expect(await readSource(`${base}/5`, open)).toEqual(new Uint8Array(picture));
    expect((await failure(readSource(`${base}/6`, open))).reason).toBe('redirected more than 5 times');
  });

  it('does not follow a redirect to another scheme', async () => {
    const base = await serve((_, response) =>
      response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    );
    expect((await failure(readSource(base, open))).reason).toContain('redirected to a file: URL');
  });

  it('says that a server refused the connection or has no address', async () => {
    const base = await serve(() => {});
    const port = new URL(base).port;
    await new Promise((resolve) => servers.pop()!.close(resolve));
    expect((await failure(readSource(`http://127.0.0.1:${port}/`, open))).reason).toBe(
      'the server refused the connection',
    );
    expect((await failure(readSource('http://no-such-host.invalid/'))).reason).toContain(
      'cannot be resolved',
    );
  });

  it('rejects with the reason of an abort, while waiting and while reading', async () => {
    const base = await serve((request, response) => {
      if (request.url === '/body') response.write(picture);
    });
    for (const page of ['head', 'body']) {
      const control = new AbortController();
      const reason = new Error('stop');
      const reading = readSource(`${base}/${page}`, { ...open, signal: control.signal });
      setTimeout(() => control.abort(reason), 50);
      await expect(reading).rejects.toBe(reason);
    }
  });
});

describe('private addresses', () => {
  it('are refused without a single request, in every notation', async () => {
    let requests = 0;
    const base = await serve((_, response) => {
      requests++;
      response.end(picture);
    });
    const port = new URL(base).port;
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      'localhost',
      '[::1]',
      '0.0.0.0',
    ];
    hosts.push('[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '127.0.0.1.', 'LOCALHOST.');
    for (const host of hosts) {
      const error = await failure(readSource(`http://${host}:${port}/`, { timeoutMs: 5000 }));
      expect(error.reason, host).toMatch(/not a public address$|cannot be resolved$/);
    }
    expect(requests).toBe(0);
    const error = await failure(readSource(base));
    expect(error.reason).toBe('127.0.0.1 is not a public address');
    expect(error.hint).toContain('allowPrivateAddresses');
    expect((await failure(readSource(`http://localhost:${port}/`))).reason).toMatch(
      /^localhost leads to .*, which is not a public address$/,
    );
  });

  it.skipIf(process.platform !== 'linux')(
    'are refused at each hop, whether by address or by name',
    async () => {
      let requests = 0;
      const inner = await serve((_, response) => {
        requests++;
        response.end(picture);
      }, '127.0.0.2');
      const outer = await serve((request, response) => {
        const target = request.url === '/name' ? inner.replace('127.0.0.2', 'localhost') : inner;
        response.writeHead(302, { location: target }).end();
      });
      // Here 127.0.0.1 stands for a public server, and what it redirects to is private.
      const options: FetchOptions = {
        source: 'test',
        maxBytes: 1e6,
        timeoutMs: 5000,
        isPublic: (address) => address === '127.0.0.1',
      };
      expect((await failure(fetchBytes(new URL(outer), options))).reason).toBe(
        '127.0.0.2 is not a public address',
      );
      expect(
        (await failure(fetchBytes(new URL(`${outer}/name`), { ...options, isPublic: nth(1) }))).reason,
      ).toMatch(/^localhost leads to/);
      expect(requests).toBe(0);
      expect((await fetchBytes(new URL(outer), { ...options, allowPrivateAddresses: true })).length).toBe(
        5000,
      );
      expect(requests).toBe(1);
    },
  );

  it('do not borrow a connection that was made when they were allowed', async () => {
    const base = await serve((_, response) => response.end(picture));
    await readSource(base.replace('127.0.0.1', 'localhost'), open).catch(() => {});
    await readSource(base, open);
    await failure(readSource(base));
    await failure(readSource(base.replace('127.0.0.1', 'localhost')));
  });

  it('are told from public ones by the IANA registries', () => {
    const closed = `0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1
      172.31.255.255 192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.255
      240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1
      2001::1 2001:db8::1 2002:7f00:1:: fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 5f00::1`;
    for (const address of closed.split(/\s+/)) expect(isPublicAddress(address), address).toBe(false);
    const publics = '1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.32.0.1 192.169.0.1 223.255.255.255';
    for (const address of `${publics} 2606:4700::1111 2a00:1450:4001:80e::200e ::ffff:8.8.8.8`.split(' ')) {
      expect(isPublicAddress(address), address).toBe(true);
    }
    expect(isPublicAddress('example.org')).toBeUndefined();
  });
});

/** A policy that lets the first `count` questions pass. */
function nth(count: number): (address: string) => boolean {
  let asked = 0;
  return () => asked++ < count;
}
