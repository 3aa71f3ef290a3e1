import { open } from "./open";
import { program } from "./tauri";

void open(program);
