//! Looks for relations that came back empty: as a whole, for a project, or for a stretch of time.

use crate::database::{Parameter, Row, Snapshot};
use crate::losses::{EmptyRelation, Held, Losses, LossesOf, Retention};
use crate::premise::Premise;
use crate::sql::{EMPTY, expression, filled};

use super::blind::{reads_what_builds_hold, why_blind};
use super::compose::{BuildSelection, Part, Relations};
use super::engine::Scan;
use super::error::ScanError;
use super::fit::Fit;
use super::key;
use super::plan::ScanPlan;
use super::prefilter::Suspects;
use super::relation::Relation;

/// Fewer builds than this tell nothing of a table, a project or a stretch of time.
const FEW: u64 = 3;

/// Whether a plan asks at all what is lost.
pub(super) fn asks_for_losses(plan: &ScanPlan) -> bool {
    plan.rules.iter().any(|rule| reads_what_builds_hold(rule) || rule.finds_losses())
}

impl Premise {
    /// Asks what is lost of whole relations, of all builds.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn add_losses(&mut self, plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<(), ScanError> {
        let relations = fit.readable(plan, BuildSelection::All);
        self.losses = LossReader { plan, relations, snapshot, suspects: None }.read().await?;
        Ok(())
    }
}

impl<'a> Scan<'a> {
    /// Asks what is lost, once the builds are known that do not add up: a build that lost all of its output is among them.
    pub(super) async fn look_for_losses(&mut self) -> Result<(), ScanError> {
        let suspects = match &self.search_space.suspects {
            Suspects::Only(keys) if self.projects.is_none() => Some(keys.as_slice()),
            Suspects::Only(_) | Suspects::All => None,
        };
        let relations = self.fit.readable(self.plan, BuildSelection::All);
        let reader = LossReader { plan: self.plan, relations, snapshot: self.snapshot, suspects };
        self.premise.losses = reader.read().await?;
        self.snapshot.set(&self.plan.settings_of_losses(&self.premise.losses)).await?;
        Ok(())
    }

    /// The rule for builds that lost a relation with others, where it is not among the rules that are run and one of them may find such a
    /// build by what it lacks.
    pub(super) fn hidden_losses(&self, parts: &[Part<'_>]) -> Option<Part<'a>> {
        let is_needed =
            self.premise.losses.are_of_builds() && parts.iter().any(|part| reads_what_builds_hold(part.rule));
        let is_run = parts.iter().any(|part| part.rule.finds_losses());
        let rank = self.plan.rules.len() + 1;
        let hidden = Part { is_reported: false, ..Part::everywhere(&self.plan.lost, rank) };
        (is_needed && !is_run).then_some(hidden)
    }

    /// The rules that are run and read an empty relation, and why they checked nothing if they found nothing.
    pub fn blind_rules(&self) -> impl Iterator<Item = (&str, String)> {
        // It looks for nothing in what is empty: it says that it is.
        self.rules().filter(|rule| !rule.finds_losses()).filter_map(|rule| {
            let empty = why_blind(rule, &self.premise().losses)?;
            Some((rule.name.as_str(), format!("{empty}: was this table restored?")))
        })
    }
}

impl ScanPlan {
    /// What is lost, as the rules read it.
    pub(super) fn settings_of_losses(&self, losses: &Losses) -> Vec<(&'static str, String)> {
        let Losses { steps, output, .. } = losses.clone();
        vec![
            ("steps_lost", steps.names),
            ("steps_kept_since", steps.kept_since),
            ("output_lost", output.names),
            ("output_kept_since", output.kept_since),
        ]
    }
}

impl Relations<'_> {
    /// Whether the relations have any row.
    pub(super) fn presence(&self) -> String {
        self.followed_by(&[], const { EMPTY.part("presence") })
    }

    /// How many builds lack what they should have; `of_some`: of the builds whose keys are the first parameter.
    fn lacking(&self, held: Held, of_some: bool) -> String {
        let among = key::among_keys(self.shape, 1).filter(|_| of_some);
        let among = among.map_or_else(|| "true".to_owned(), |among| format!("build.build_key {among}"));
        let [relation, expected] = expected(held);
        let values = [("relation", relation), ("expected", expected), ("among", &among)];
        self.followed_by(&[], &filled(const { EMPTY.part("lacking") }, &values))
    }

    /// What the builds that lack steps or output come to.
    pub(super) fn losses(&self, held: Held) -> String {
        let [relation, expected] = expected(held);
        let values = [("relation", relation), ("expected", expected)];
        self.followed_by(&[], &filled(const { EMPTY.part("losses") }, &values))
    }
}

/// The relation that holds it, and the condition that a build should have it.
fn expected(held: Held) -> [&'static str; 2] {
    match held {
        Held::Output => ["chunk", expression(const { EMPTY.part("should_have_output") })],
        Held::Steps | Held::Builds => ["step", expression(const { EMPTY.part("should_have_steps") })],
    }
}

struct LossReader<'a> {
    plan: &'a ScanPlan,
    relations: Relations<'a>,
    snapshot: &'a Snapshot<'a>,
    /// The builds that do not add up, of all projects; `None` where they are not known.
    suspects: Option<&'a [String]>,
}

impl LossReader<'_> {
    async fn read(&self) -> Result<Losses, ScanError> {
        let mut losses = Losses::default();
        if !asks_for_losses(self.plan) {
            return Ok(losses);
        }
        let row = self.row("asking which relations have rows", &self.relations.presence(), &[]).await?;
        let is = |column: &str| Ok::<bool, ScanError>(row.boolean(column)?.unwrap_or(true));
        let [has_builds, has_steps, has_output] = [is("has_builds")?, is("has_steps")?, is("has_output")?];
        // Of what cannot be read nobody knows whether it is empty.
        let is_read = |relation| self.plan.profile.offers(relation) && !self.relations.without.contains(relation);
        let [offers_steps, offers_output] = [Relation::Step, Relation::Chunk].map(is_read);
        if !has_builds {
            if has_steps || has_output {
                losses.empty.push(EmptyRelation { held: Held::Builds, of_old_builds: None });
            }
            return Ok(losses);
        }
        if offers_steps {
            let lacking = self.lacking(Held::Steps, None).await?;
            if !has_steps && (lacking >= FEW || is("has_output_of_builds")?) {
                losses.empty.push(EmptyRelation { held: Held::Steps, of_old_builds: None });
                if !has_output && offers_output {
                    // Only steps say that there should be some.
                    losses.empty.push(EmptyRelation { held: Held::Output, of_old_builds: None });
                }
            } else if has_steps && lacking > 0 {
                losses.steps = self.losses_of(Held::Steps, has_steps, &mut losses).await?;
            }
        }
        if offers_steps && offers_output && has_steps && self.may_lack_output().await? {
            losses.output = self.losses_of(Held::Output, has_output, &mut losses).await?;
        }
        Ok(losses)
    }

    /// Whether so many builds may lack all of their output that the rest has to be asked.
    async fn may_lack_output(&self) -> Result<bool, ScanError> {
        match self.suspects {
            Some([]) => Ok(false),
            suspects => Ok(self.lacking(Held::Output, suspects).await? >= FEW),
        }
    }

    async fn lacking(&self, held: Held, among: Option<&[String]>) -> Result<u64, ScanError> {
        let parameters: Vec<Parameter> = among.map(|keys| Parameter::Texts(keys.to_vec())).into_iter().collect();
        let statement = self.relations.lacking(held, among.is_some());
        let row = self.row("looking for builds without steps or output", &statement, &parameters).await?;
        Ok(row.integer("builds")?.unwrap_or_default().unsigned_abs())
    }

    async fn losses_of(&self, held: Held, has_rows: bool, losses: &mut Losses) -> Result<LossesOf, ScanError> {
        let row = self.row("looking for what is lost of projects and times", &self.relations.losses(held), &[]).await?;
        let count = |column: &str| Ok::<u64, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        let (builds, having, expired) = (count("builds")?, count("having")?, count("expired")?);
        if having == 0 {
            if builds >= FEW {
                losses.empty.push(EmptyRelation { held, of_old_builds: has_rows.then_some(builds) });
            }
            return Ok(LossesOf::default());
        }
        if let Some(since) = row.time("kept_from")? {
            losses.retentions.push(Retention { held, since, builds: expired });
        }
        let text = |column: &str| Ok::<String, ScanError>(row.text(column)?.unwrap_or_default());
        Ok(LossesOf { names: text("lost")?, kept_since: text("kept_since")? })
    }

    async fn row(&self, what: &'static str, statement: &str, parameters: &[Parameter]) -> Result<Row, ScanError> {
        let mut rows = self.snapshot.rows(what, statement, parameters).await?;
        rows.next().await?.ok_or(ScanError::NoAnswer { what })
    }
}
