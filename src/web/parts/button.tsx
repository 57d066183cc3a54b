// The page's two kinds of buttons: with a text, and with an icon whose label only screen readers read.
import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";
import styles from "./button.module.css";

export type ButtonLook = "primary" | "plain" | "quiet" | "danger";

interface Look {
  look?: ButtonLook;
  small?: boolean;
  icon?: LucideIcon;
  ref?: Ref<HTMLButtonElement>;
}

type Attributes = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "className">;

export function Button({
  look = "plain",
  small = false,
  icon: Icon,
  children,
  type = "button",
  ...rest
}: Attributes & Look) {
  return (
    <button {...rest} type={type} className={buttonLook(look, small)}>
      {Icon && <Icon size={16} aria-hidden="true" />}
      {children}
    </button>
  );
}

export function IconButton({
  label,
  icon: Icon,
  look = "quiet",
  small = false,
  ...rest
}: Omit<Attributes, "aria-label" | "title" | "children"> & Look & { label: string; icon: LucideIcon }) {
  return (
    <button type="button" {...rest} aria-label={label} title={label} className={iconLook(look, small)}>
      <Icon size={small ? 15 : 18} aria-hidden="true" />
    </button>
  );
}

/** The classes of what looks like a button and is another element. */
export function buttonLook(look: ButtonLook, small = false): string {
  return `${styles.button} ${styles[look]} ${small ? styles.small : ""}`;
}

export function iconLook(look: ButtonLook, small: boolean): string {
  return `${buttonLook(look, small)} ${styles.icon}`;
}
