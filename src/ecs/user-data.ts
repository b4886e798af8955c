/** What user data may be (`ecs-api.md` 2.4): Base64 of at most 32 KB, which the instance's system runs or reads when it starts. */

const LIMIT_BYTES = 32 * 1024;

/** What is wrong, for people: with its form, or with its size; null when nothing is. */
export function findUserDataProblem(userData: string): { kind: 'form' | 'size'; problem: string } | null {
  const bytes = Buffer.from(userData, 'base64');
  if (bytes.toString('base64') !== userData) {
    return { kind: 'form', problem: 'it must be Base64 with its padding, without blanks and line ends' };
  }
  if (bytes.length <= LIMIT_BYTES) return null;
  return { kind: 'size', problem: `user data has at most ${LIMIT_BYTES} bytes before Base64, not ${bytes.length}` };
}
