// See status_words.h. One row a word: English, German, French, Czech.
#include "reports/status_words.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/result.h"

namespace everup::reports {
namespace {

constexpr std::array<std::string_view, 4> kOrder{"en", "de", "fr", "cs"};

struct Word {
  std::string_view key;
  std::array<std::string_view, 4> text;
};
constexpr Word kWords[] = {
    {"w_skip", {"Skip to the state", "Zum Zustand springen", "Aller à l’état", "Přejít ke stavu"}},
    {"w_all_up",
     {"All systems operational", "Alle Systeme in Betrieb", "Tous les systèmes fonctionnent",
      "Všechny systémy fungují"}},
    {"w_some_down",
     {"Some systems are down", "Einige Systeme sind ausgefallen", "Certains systèmes sont en panne",
      "Některé systémy mají výpadek"}},
    {"w_all_down",
     {"Major outage: everything is down", "Großer Ausfall: nichts ist erreichbar",
      "Panne majeure : tout est hors service", "Rozsáhlý výpadek: nefunguje nic"}},
    {"w_some_degraded",
     {"Some systems are degraded", "Einige Systeme sind beeinträchtigt", "Certains systèmes sont dégradés",
      "Některé systémy jsou omezeny"}},
    {"w_some_unknown",
     {"Some systems are not being watched", "Einige Systeme werden nicht beobachtet",
      "Certains systèmes ne sont pas surveillés", "Některé systémy nejsou sledovány"}},
    {"w_some_maintenance",
     {"Maintenance is under way", "Wartungsarbeiten laufen", "Maintenance en cours", "Probíhá údržba"}},
    {"w_empty",
     {"Nothing is shown here yet", "Hier wird noch nichts gezeigt", "Rien n’est encore affiché ici",
      "Zatím tu nic není"}},
    {"w_up", {"Up", "In Betrieb", "En service", "V provozu"}},
    {"w_degraded", {"Degraded", "Beeinträchtigt", "Dégradé", "Omezeno"}},
    {"w_down", {"Down", "Ausgefallen", "En panne", "Výpadek"}},
    {"w_unknown", {"Not watched", "Nicht beobachtet", "Non surveillé", "Nesledováno"}},
    {"w_maintenance", {"Maintenance", "Wartung", "Maintenance", "Údržba"}},
    {"w_paused", {"Paused: not watched", "Pausiert: nicht beobachtet", "En pause : non surveillé", "Pozastaveno"}},
    {"w_before", {"Not watched yet", "Noch nicht beobachtet", "Pas encore surveillé", "Dosud nesledováno"}},
    {"w_degraded_key",
     {"degraded (counts as up)", "beeinträchtigt (zählt als in Betrieb)", "dégradé (compte comme en service)",
      "omezeno (počítá se jako v provozu)"}},
    {"w_since", {"since", "seit", "depuis", "od"}},
    {"w_suspect",
     {"checks are failing, not confirmed yet", "Prüfungen schlagen fehl, noch nicht bestätigt",
      "des contrôles échouent, pas encore confirmé", "kontroly selhávají, zatím nepotvrzeno"}},
    {"w_settled", {"Figures through", "Zahlen bis", "Chiffres jusqu’au", "Údaje do"}},
    {"w_active", {"Active incidents", "Laufende Störungen", "Incidents en cours", "Probíhající výpadky"}},
    {"w_past", {"Past incidents", "Vergangene Störungen", "Incidents passés", "Minulé výpadky"}},
    {"w_no_incidents",
     {"No incidents in the last 14 days.", "Keine Störungen in den letzten 14 Tagen.",
      "Aucun incident ces 14 derniers jours.", "Za posledních 14 dní žádný výpadek."}},
    {"w_no_month",
     {"No incidents in this month.", "Keine Störungen in diesem Monat.", "Aucun incident ce mois-ci.",
      "V tomto měsíci žádný výpadek."}},
    {"w_planned", {"Maintenance", "Wartung", "Maintenance", "Údržba"}},
    {"w_now", {"now", "jetzt", "en cours", "nyní"}},
    {"w_upcoming", {"planned", "geplant", "prévue", "plánováno"}},
    {"w_affects", {"Affects", "Betrifft", "Concerne", "Týká se"}},
    {"w_systems", {"Systems", "Systeme", "Systèmes", "Systémy"}},
    {"w_window", {"Uptime over", "Verfügbarkeit über", "Disponibilité sur", "Dostupnost za"}},
    {"w_24h", {"24 hours", "24 Stunden", "24 heures", "24 hodin"}},
    {"w_7d", {"7 days", "7 Tage", "7 jours", "7 dní"}},
    {"w_30d", {"30 days", "30 Tage", "30 jours", "30 dní"}},
    {"w_90d", {"90 days", "90 Tage", "90 jours", "90 dní"}},
    {"w_365d", {"365 days", "365 Tage", "365 jours", "365 dní"}},
    {"w_watched", {"watched", "beobachtet", "surveillé", "sledováno"}},
    {"w_days_down", {"days with down time", "Tage mit Ausfall", "jours avec panne", "dny s výpadkem"}},
    {"w_today", {"today", "heute", "aujourd’hui", "dnes"}},
    {"w_nothing", {"nothing judged", "nichts bewertet", "rien d’évalué", "nic hodnoceno"}},
    {"w_investigating", {"Investigating", "Wird untersucht", "En cours d’analyse", "Vyšetřuje se"}},
    {"w_identified", {"Identified", "Ursache gefunden", "Cause identifiée", "Příčina nalezena"}},
    {"w_monitoring", {"Monitoring", "Wird beobachtet", "Sous surveillance", "Sledujeme"}},
    {"w_update", {"Update", "Neuigkeit", "Mise à jour", "Zpráva"}},
    {"w_detected", {"Detected", "Erkannt", "Détecté", "Zjištěno"}},
    {"w_confirmed", {"Confirmed", "Bestätigt", "Confirmé", "Potvrzeno"}},
    {"w_acknowledged", {"Somebody is at it", "Jemand kümmert sich", "Quelqu’un s’en occupe", "Řeší se"}},
    {"w_resolved", {"Resolved", "Behoben", "Résolu", "Vyřešeno"}},
    {"w_down_for", {"Down for", "Ausfall", "Panne de", "Výpadek"}},
    {"w_ongoing", {"not over yet", "noch nicht vorbei", "pas encore terminé", "dosud trvá"}},
    {"w_history",
     {"All incidents by month", "Alle Störungen nach Monaten", "Tous les incidents par mois",
      "Všechny výpadky po měsících"}},
    {"w_back", {"Current state", "Aktueller Zustand", "État actuel", "Současný stav"}},
    {"w_zone", {"Times are in the zone", "Zeiten in der Zone", "Heures du fuseau", "Časy v pásmu"}},
    {"w_feeds", {"Follow", "Verfolgen", "Suivre", "Sledovat"}},
    {"w_calendar", {"maintenance calendar", "Wartungskalender", "calendrier de maintenance", "kalendář údržby"}},
    {"w_measured", {"Measured by Everup", "Gemessen von Everup", "Mesuré par Everup", "Měří Everup"}},
    {"w_stale",
     {"This page could not be renewed just now. It shows the last known state, as of",
      "Diese Seite konnte gerade nicht erneuert werden. Sie zeigt den letzten bekannten Stand von",
      "Cette page n’a pas pu être actualisée. Elle montre le dernier état connu, du",
      "Stránku teď nešlo obnovit. Ukazuje poslední známý stav z"}},
    {"w_password", {"Password", "Passwort", "Mot de passe", "Heslo"}},
    {"w_locked",
     {"This page has a password", "Diese Seite hat ein Passwort", "Cette page a un mot de passe",
      "Stránka je chráněna heslem"}},
    {"w_open", {"Show the page", "Seite zeigen", "Afficher la page", "Zobrazit stránku"}},
    {"w_wrong",
     {"That was not the password.", "Das war nicht das Passwort.", "Ce n’était pas le mot de passe.",
      "To nebylo správné heslo."}},
    {"w_too_many",
     {"Too many attempts; try again later.", "Zu viele Versuche; später noch einmal.",
      "Trop de tentatives ; réessayez plus tard.", "Příliš mnoho pokusů; zkuste to později."}},
    {"w_earlier", {"Earlier", "Früher", "Plus tôt", "Dříve"}},
    {"w_later", {"Later", "Später", "Plus tard", "Později"}},
};

std::size_t column(std::string_view language) {
  const auto found = std::find(kOrder.begin(), kOrder.end(), language);
  return found == kOrder.end() ? 0 : static_cast<std::size_t>(found - kOrder.begin());
}

}  // namespace

std::string_view word(std::string_view language, std::string_view key) {
  for (const Word& one : kWords) {
    if (one.key == key) return one.text[column(language)];
  }
  EVERUP_ASSERT(false);
  return {};
}

std::string_view state_word(std::string_view language, State state) {
  switch (state) {
    case State::kUp:
      return word(language, "w_up");
    case State::kDegraded:
      return word(language, "w_degraded");
    case State::kDown:
      return word(language, "w_down");
    case State::kUnknown:
      return word(language, "w_unknown");
    case State::kMaintenance:
      return word(language, "w_maintenance");
    case State::kPaused:
      return word(language, "w_paused");
    case State::kBeforeCreation:
      return word(language, "w_before");
  }
  return word(language, "w_unknown");
}

void add_words(std::string_view language, Fields& page) {
  for (const Word& one : kWords) page.texts.emplace_back(one.key, one.text[column(language)]);
}

}  // namespace everup::reports
