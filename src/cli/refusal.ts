/** A refusal of the server, as the aliyun CLI prints it and as Hupo's own commands do, and what a person may do about it. */
import { EcsError } from './ecs-client.ts';
import { nameOptions } from './option-names.ts';

/** Lines for standard error. */
export function formatRefusal(error: EcsError, hint: string | null = null): string {
  const recommendation = findRecommendation(error);
  const lines = [
    'ERROR: SDK.ServerError',
    `ErrorCode: ${error.code}`,
    ...(recommendation === '' ? [] : [`Recommend: ${recommendation}`]),
    `RequestId: ${error.requestId}`,
    `Message: ${error.message}`,
  ];
  const help = hint ?? explain(error);
  return `${lines.join('\n')}\n${help === null ? '' : `\n${help}\n`}`;
}

/** The lines of every command but `ecs`: what was refused, in the words of `command`, and then code and request, by which logs know it. */
export function formatShortRefusal(error: Error, command: string): string {
  if (!(error instanceof EcsError)) return `hupo: ${error.message}\n`;
  const help = explain(error);
  const lines = [`hupo: ${nameOptions(error.message, command)} (${error.code}, RequestId ${error.requestId})`];
  return [...lines, ...(help === null ? [] : [`hupo: ${help}`])].map((line) => `${line}\n`).join('');
}

/** Without addresses of the public cloud, which knows nothing of this server's requests. */
function findRecommendation({ recommend }: EcsError): string {
  const host = URL.parse(recommend)?.hostname ?? '';
  return /(^|\.)(aliyun|alibabacloud|aliyuncs)\.com$/.test(host) ? '' : recommend;
}

function explain({ code, isSecretWrong }: EcsError): string | null {
  if (code === 'SignatureDoesNotMatch') {
    return isSecretWrong === false
      ? 'The request was changed on its way, perhaps by a proxy: what arrived is not what was signed.'
      : 'The AccessKeySecret is not the one that belongs to this AccessKeyId.';
  }
  if (code === 'InvalidAccessKeyId.NotFound') {
    return 'This server does not know the AccessKeyId: is it the key of another server, or of the public cloud?';
  }
  if (code.startsWith('InvalidSecurityToken')) {
    return 'The token is not that of this key, or its time is over: take the role again (hupo role assume), and give all three of what it prints.';
  }
  if (code === 'InvalidTimeStamp.Expired') return 'Compare the clocks of this machine and of the server.';
  return null;
}
