// A button that opens a short menu of actions or of choices.
import { Menu as Base } from "@base-ui/react/menu";
import { Check, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { iconLook } from "./button.tsx";
import styles from "./menu.module.css";

/** With `children` the button shows them beside its icon, otherwise the icon alone. */
export function Menu({
  label,
  icon: Icon,
  items,
  children,
  className,
  align = "end",
}: {
  label: string;
  icon: LucideIcon;
  items: ReactNode;
  children?: ReactNode;
  className?: string;
  align?: "start" | "end";
}) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger
        className={className ?? iconLook("quiet", true)}
        aria-label={label}
        title={children ? undefined : label}
      >
        <Icon size={16} aria-hidden="true" />
        {children}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className={styles.positioner} align={align} sideOffset={4} collisionPadding={8}>
          <Base.Popup className={styles.popup}>{items}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export function MenuItem({
  icon: Icon,
  tone,
  disabled = false,
  onClick,
  children,
}: {
  icon: LucideIcon;
  tone?: "danger";
  disabled?: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Base.Item className={styles.item} data-tone={tone} disabled={disabled} onClick={onClick}>
      <Icon size={15} aria-hidden="true" />
      <span className={styles.words}>{children}</span>
    </Base.Item>
  );
}

/** The chosen one of several. */
export function MenuChoices<T extends string>({
  value,
  choices,
  onChoose,
}: {
  value: T;
  choices: { value: T; label: string }[];
  onChoose: (value: T) => void;
}) {
  return (
    <Base.RadioGroup className={styles.choices} value={value} onValueChange={(next) => onChoose(next as T)}>
      {choices.map((choice) => (
        <Base.RadioItem key={choice.value} value={choice.value} className={styles.item} closeOnClick>
          <Base.RadioItemIndicator keepMounted className={styles.check}>
            <Check size={15} aria-hidden="true" />
          </Base.RadioItemIndicator>
          <span className={styles.words} dir="auto">
            {choice.label}
          </span>
        </Base.RadioItem>
      ))}
    </Base.RadioGroup>
  );
}

export function MenuLine() {
  return <Base.Separator className={styles.line} />;
}
