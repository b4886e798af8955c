/** A refusal of the server as the aliyun CLI prints it, and what a person may do about it. */
import type { EcsError } from './ecs-client.ts';

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
  if (code === 'InvalidTimeStamp.Expired') return 'Compare the clocks of this machine and of the server.';
  return null;
}
