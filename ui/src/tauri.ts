/// The program itself, behind its commands.

import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Backend, Snapshot } from "./backend";

export const program: Backend = {
  snapshot: () => invoke<Snapshot>("snapshot"),
  listen: (changed) => listen<Snapshot>("changed", ({ payload }) => changed(payload)),
  agree: (request) => invoke("agree", { request }),
  keep: (request, place, kept) => invoke("keep", { request, place, kept }),
  refuse: (request) => invoke("refuse", { request }),
  keepOpen: () => invoke("keep_open"),
  end: (request) => invoke("end", { request }),
  retry: (request) => invoke("retry", { request }),
  chooseReader: (request, reader) => invoke("choose_reader", { request, reader }),
  moreTime: (request) => invoke("more_time", { request }),
  card: (task) => invoke("card", { task }),
  cancelCard: () => invoke("cancel_card"),
  change: (change) => invoke("change", { change }),
  deleteHistory: () => invoke("delete_history"),
  diagnose: (portal) => invoke("diagnose", { portal }),
  copyReport: () => invoke("copy_report"),
  startGuest: (portal) => invoke("start_guest", { portal }),
  endGuest: () => invoke("end_guest"),
  chooseDocuments: () => invoke("choose_documents"),
  removeDocument: (number) => invoke("remove_document", { number }),
  placeDocuments: (attached) => invoke("place_documents", { attached }),
  signDocuments: () => invoke("sign_documents"),
  chooseReaderForDocuments: (reader) => invoke("choose_reader_for_documents", { reader }),
  cancelDocuments: () => invoke("cancel_documents"),
  showSignature: (number) => invoke("show_signature", { number }),
  putNoticeAway: () => invoke("put_notice_away"),
  closeWindow: () => invoke("close_window"),
};
