//! Planted defects (`defects.json` here) looked for by composed charts.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::compose::{Case, Composer};
use super::{Answers, Pair, agree, batch, shown};
use crate::fuzz::Settings;
use crate::fuzz::planted::{self, Ground, LIMIT, Look, Subject};
use crate::{Outcome, program};

struct Charts<'a> {
    helm: &'a Path,
    seed: u64,
}

pub fn run(helm: &Path, settings: &Settings) -> Outcome {
    planted::run(&mut Charts { helm, seed: settings.seed }, &program::target().join("fuzz/helm"))
}

impl Ground for Charts<'_> {
    const DEFECTS: &'static str = "xtask/src/fuzz/helm/defects.json";
    const CRATE: &'static str = "helm";
    const BUILD: &'static [&'static str] = super::ENGINE;

    const CONTROL: u64 = 500;

    fn program(copy: &Path) -> PathBuf {
        copy.join("target/quick/examples/ask")
    }

    fn look(&mut self, subject: &Subject, most: Option<u64>) -> Result<Look, String> {
        let (asked, found) = match most {
            Some(most) => self.first(subject, most, Duration::MAX)?,
            None => self.first(subject, u64::MAX, LIMIT)?,
        };
        Ok(match found {
            Some((case, (helm, ours))) => Look {
                input: Some(asked),
                text: format!("{}\n  helm {}\n  ours {}", case.question(), shown(&helm), shown(&ours)),
            },
            None => Look { input: None, text: format!("{asked} charts") },
        })
    }
}

impl Charts<'_> {
    /// The first chart on which an engine differs, and how many were asked until then.
    fn first(
        &self,
        subject: &Subject,
        most: u64,
        longest: Duration,
    ) -> Result<(u64, Option<(Case, Answers)>), String> {
        let mut pair = Pair::start(self.helm, &subject.program, subject.environment.clone())?;
        let mut composer = Composer::new(self.seed);
        let begun = Instant::now();
        let mut asked = 0;
        while asked < most && begun.elapsed() < longest {
            for (case, _, answers) in batch(&mut composer, &mut pair)? {
                asked += 1;
                // A program that died is asked again for this chart alone.
                if (answers.1.is_string() || !agree(&answers))
                    && let Some(answers) = pair.differs(&case)?
                {
                    return Ok((asked, Some((case, answers))));
                }
            }
        }
        Ok((asked, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_still_fits_to_the_sources() {
        planted::tests::fits::<Charts<'_>>();
    }
}
