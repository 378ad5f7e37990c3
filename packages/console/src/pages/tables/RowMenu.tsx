import { ActionIcon, Menu } from '@mantine/core'
import {
  IconArrowBackUp,
  IconCopy,
  IconDots,
  IconLayoutSidebarRightExpand,
  IconTrash,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'

import type { GridRow } from './grid-rows.ts'

interface RowMenuProps {
  row: GridRow
  canInsert: boolean
  canDelete: boolean
  onOpen: () => void
  onDuplicate: () => void
  onDelete: () => void
  onUndo: () => void
}

/** What can be done with a row. */
export function RowMenu(props: RowMenuProps): ReactNode {
  const { row, canInsert, canDelete } = props
  const name = row.version ? Object.values(row.version.key).join(', ') : 'new row'
  if (!row.version && !row.isNew) return null
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <ActionIcon size="sm" aria-label={`Actions for ${name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!row.isNew && (
          <Menu.Item
            leftSection={<IconLayoutSidebarRightExpand size={16} />}
            onClick={props.onOpen}
          >
            Open
          </Menu.Item>
        )}
        {canInsert && (
          <Menu.Item leftSection={<IconCopy size={16} />} onClick={props.onDuplicate}>
            Duplicate
          </Menu.Item>
        )}
        {row.change && !row.isNew && (
          <Menu.Item leftSection={<IconArrowBackUp size={16} />} onClick={props.onUndo}>
            Undo
          </Menu.Item>
        )}
        {(row.isNew || canDelete) && row.change?.kind !== 'delete' && (
          <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={props.onDelete}>
            {row.isNew ? 'Do not add' : 'Delete'}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
