/** Which requests are refused before they reach the disk, and with what. Pure. */
import { errnoOf, messageOf } from '../lib/errors.ts';
import type { BlockDevice } from './device.ts';
import type { MetaContext } from './meta-context.ts';
import { Command, CommandFlag, MAX_PAYLOAD_BYTES, NbdError, type Request } from './protocol.ts';

export interface Refusal {
  error: number;
  /** For people; sent with structured replies. */
  message: string;
  /** Of the request's range, where it went wrong; what lies before may have been done. */
  offset?: number;
}

/** What client and server agreed on in the handshake. */
export interface Agreed {
  structuredReplies: boolean;
  contexts: readonly MetaContext[];
}

/** What is wrong with the request, or undefined. Source: proto.md, "Request types" and "Error values". */
export function refuseRequest(
  request: Request,
  device: Pick<BlockDevice, 'sizeBytes' | 'readOnly'>,
  agreed: Agreed,
): Refusal | undefined {
  const allowed = allowedFlags(request.command, agreed);
  if (allowed === undefined) return { error: NbdError.einval, message: `command ${request.command} is not known` };
  if ((request.flags & ~allowed) !== 0) {
    return { error: NbdError.einval, message: `flags ${request.flags} do not go with command ${request.command}` };
  }
  if (request.command === Command.flush) {
    const plain = request.offset === 0 && request.lengthBytes === 0;
    return plain ? undefined : { error: NbdError.einval, message: 'a flush has offset 0 and length 0' };
  }
  if (request.command === Command.blockStatus && request.lengthBytes === 0) {
    return { error: NbdError.einval, message: 'nothing can be said of no bytes' };
  }
  return refuseChange(request, device.readOnly) ?? refuseRange(request, device.sizeBytes);
}

/** FUA goes with every command once announced; undefined for a command that is not served. */
function allowedFlags(command: number, agreed: Agreed): number | undefined {
  switch (command) {
    case Command.read:
      return CommandFlag.fua | (agreed.structuredReplies ? CommandFlag.df : 0);
    case Command.blockStatus:
      return agreed.contexts.length > 0 ? CommandFlag.fua | CommandFlag.reqOne : undefined;
    case Command.writeZeroes:
      return CommandFlag.fua | CommandFlag.noHole;
    case Command.write:
    case Command.flush:
    case Command.trim:
    case Command.cache:
      return CommandFlag.fua;
    default:
      return undefined;
  }
}

function refuseChange(request: Request, readOnly: boolean): Refusal | undefined {
  if (!readOnly) return undefined;
  const { command } = request;
  const changes = command === Command.write || command === Command.trim || command === Command.writeZeroes;
  return changes ? { error: NbdError.eperm, message: 'the disk is read-only' } : undefined;
}

function refuseRange(request: Request, sizeBytes: number): Refusal | undefined {
  const hasPayload = request.command === Command.read || request.command === Command.write;
  if (hasPayload && request.lengthBytes > MAX_PAYLOAD_BYTES) {
    return { error: NbdError.einval, message: `at most ${MAX_PAYLOAD_BYTES} bytes can be moved at once` };
  }
  if (request.offset + request.lengthBytes <= sizeBytes) return undefined;
  const fills = request.command === Command.write || request.command === Command.writeZeroes;
  return {
    error: fills ? NbdError.enospc : NbdError.einval,
    message: `${request.offset} + ${request.lengthBytes} is past the end at ${sizeBytes}`,
  };
}

/** What a failed device call is to the client: ENOSPC where space is the reason, else EIO. */
export function refusalOf(error: unknown): Refusal {
  const message = messageOf(error);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const errno = errnoOf(cause);
    if (errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EFBIG') return { error: NbdError.enospc, message };
  }
  return { error: NbdError.eio, message };
}
