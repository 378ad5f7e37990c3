import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import type { ReactNode } from 'react'

interface AddButtonProps {
  children: string
  onClick: () => void
  isRunning?: boolean
}

/** Beside the title of a panel: makes one more of what is listed in it. */
export function AddButton({ children, onClick, isRunning = false }: AddButtonProps): ReactNode {
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconPlus size={14} />}
      loading={isRunning}
      onClick={onClick}
    >
      {children}
    </Button>
  )
}
