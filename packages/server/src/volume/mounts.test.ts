import { expect, test } from 'vitest'

import { parseMountinfo } from './mounts.ts'

test('reads mount points, file systems and devices, with and without optional fields', () => {
  const text = [
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue',
    String.raw`37 35 0:41 / /srv/my\040pool rw - btrfs /dev/loop7 rw,user_subvol_rm_allowed`,
    '',
  ].join('\n')
  expect(parseMountinfo(text)).toEqual([
    { mountPoint: '/mnt2', fileSystem: 'ext3', source: '/dev/root' },
    { mountPoint: '/srv/my pool', fileSystem: 'btrfs', source: '/dev/loop7' },
  ])
})
