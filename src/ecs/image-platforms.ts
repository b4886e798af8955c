/** Operating systems that an image can be said to hold (`ecs-api.md` 2.5), and what follows from each. */

const LINUX: readonly string[] = [
  'Aliyun',
  'Anolis',
  'CentOS',
  'Ubuntu',
  'CoreOS',
  'SUSE',
  'Debian',
  'OpenSUSE',
  'FreeBSD',
  'RedHat',
  'Kylin',
  'UOS',
  'Fedora',
  'Fedora CoreOS',
  'CentOS Stream',
  'AlmaLinux',
  'Rocky Linux',
  'Gentoo',
  'Customized Linux',
  'Others Linux',
];

const WINDOWS: readonly string[] = [
  'Windows Server 2022',
  'Windows Server 2019',
  'Windows Server 2016',
  'Windows Server 2012',
  'Windows Server 2008',
  'Windows Server 2003',
  'Windows 7',
  'Other Windows',
];

export const platforms: readonly string[] = [...LINUX, ...WINDOWS];
export const architectures = ['x86_64', 'i386', 'arm64'] as const;
export const bootModes = ['BIOS', 'UEFI', 'UEFI-Preferred'] as const;

export const DEFAULT_PLATFORM = 'Others Linux';
export const DEFAULT_ARCHITECTURE = 'x86_64';
export const DEFAULT_BOOT_MODE = 'BIOS';

/** ECS counts FreeBSD as linux. */
export function osTypeOf(platform: string): 'linux' | 'windows' {
  return WINDOWS.includes(platform) ? 'windows' : 'linux';
}

/** As people read it: `Ubuntu 64 bit`. */
export function osNameOf(platform: string, architecture: string): string {
  return `${platform} ${architecture === 'i386' ? 32 : 64} bit`;
}
