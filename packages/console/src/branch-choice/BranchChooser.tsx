import { Group, Select } from '@mantine/core'
import { IconDatabase, IconGitBranch, IconUser } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import type { BranchChoice } from './use-branch-choice.ts'

interface BranchChooserProps {
  choice: BranchChoice
  /** Where a page is about a branch as a whole. */
  withoutDatabase?: boolean
  /** Where it matters who asks. */
  withRole?: boolean
}

/** A page's first controls: which branch, which database, as whom. */
export function BranchChooser(props: BranchChooserProps): ReactNode {
  const { choice, withoutDatabase = false, withRole = false } = props
  const { branch, branches, database, databases, role, roles, choose } = choice
  return (
    <Group gap="xs">
      <Select
        aria-label="Branch"
        w={200}
        leftSection={<IconGitBranch size={16} />}
        data={branches.map(({ id, name }) => ({ value: id, label: name }))}
        value={branch?.id ?? null}
        onChange={(value) => value !== null && choose({ branch: value })}
        searchable
        limit={50}
        allowDeselect={false}
        nothingFoundMessage="No such branch"
      />
      {!withoutDatabase && (
        <Select
          aria-label="Database"
          w={160}
          leftSection={<IconDatabase size={16} />}
          data={databases.map(({ name }) => name)}
          value={database?.name ?? null}
          placeholder={branch === undefined ? '' : 'No database'}
          onChange={(value) => value !== null && choose({ database: value })}
          searchable
          allowDeselect={false}
        />
      )}
      {withRole && (
        <Select
          aria-label="Role"
          w={160}
          leftSection={<IconUser size={16} />}
          data={roles.map(({ name }) => name)}
          value={role ?? null}
          onChange={(value) => value !== null && choose({ role: value })}
          searchable
          allowDeselect={false}
        />
      )}
    </Group>
  )
}
