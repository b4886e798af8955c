/** What a device knows of a range, as the descriptors of a block status reply. Pure but for asking the device. */
import { assert } from '../lib/assert.ts';
import type { BlockDevice, Extent } from './device.ts';
import { AllocationFlag, CommandFlag, type Request } from './protocol.ts';

/** Of one reply. A client that wants to know more asks again from where it ended. */
export const DESCRIPTOR_LIMIT = 1024;

export interface Descriptor {
  lengthBytes: number;
  flags: number;
}

/**
 * For `base:allocation`: at least one descriptor, neighbours differ, none ends past the range. With REQ_ONE just one.
 * Source: proto.md, NBD_CMD_BLOCK_STATUS.
 */
export function describeAllocation(device: Pick<BlockDevice, 'status'>, request: Request): Descriptor[] {
  const wantsOne = (request.flags & CommandFlag.reqOne) !== 0;
  const extents = device.status(request.offset, request.lengthBytes, wantsOne ? 1 : DESCRIPTOR_LIMIT);
  return mergeExtents(extents, request.lengthBytes);
}

function mergeExtents(extents: readonly Extent[], limitBytes: number): Descriptor[] {
  const descriptors: Descriptor[] = [];
  let coveredBytes = 0;
  for (const extent of extents) {
    assert(extent.lengthBytes > 0, 'an extent has at least one byte');
    coveredBytes += extent.lengthBytes;
    const flags = (extent.isHole ? AllocationFlag.hole : 0) | (extent.isZero ? AllocationFlag.zero : 0);
    const last = descriptors.at(-1);
    if (last !== undefined && last.flags === flags) last.lengthBytes += extent.lengthBytes;
    else descriptors.push({ lengthBytes: extent.lengthBytes, flags });
  }
  assert(coveredBytes > 0 && coveredBytes <= limitBytes, `${coveredBytes} bytes were described of ${limitBytes}`);
  return descriptors;
}
