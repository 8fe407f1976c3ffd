/** @file Which addresses are public: reachable by anybody, so that asking them gives nothing away. */
import ipaddr from 'ipaddr.js';

/**
 * Whether a literal IPv4 or IPv6 address is globally reachable unicast; undefined when `address` is no literal
 * address (a host name).
 *
 * Loopback, private (RFC 1918), carrier-grade NAT, link-local, multicast, unspecified, reserved and documentation
 * ranges are not; IPv6 must lie in 2000::/3 and not carry an IPv4 address inside (mapped, 6to4, Teredo, NAT64), for
 * those lead wherever the embedded address says.
 */
export function isPublicAddress(address: string): boolean | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || (parsed.parts[0]! & 0xe000) === 0x2000;
}
