//! Tables of which the server has no statistics: a scan of them may take long.

use crate::database::Parameter;
use crate::sql;
use crate::text::Foreign;

use super::engine::Scan;
use super::error::ScanError;

/// Finds large tables without statistics.
const WITHOUT_STATISTICS: &str = sql::CHECK.part("without_statistics");

impl Scan<'_> {
    /// Remarks on large tables without statistics.
    pub(super) async fn remark_statistics(&mut self) -> Result<(), ScanError> {
        let (schemas, names) = self.tables().iter().map(|table| (table.schema.clone(), table.name.clone())).unzip();
        let parameters = [Parameter::Texts(schemas), Parameter::Texts(names)];
        let mut rows = self.snapshot.rows("looking for statistics", WITHOUT_STATISTICS, &parameters).await?;
        let mut without = Vec::new();
        while let Some(row) = rows.next().await? {
            without.push(Foreign::name(&row.text("name")?.unwrap_or_default()).to_string());
        }
        if !without.is_empty() {
            self.remarks.push(format!(
                "the server has no statistics of {}, as after an upgrade by pg_upgrade: ANALYZE gathers them, and scans are faster",
                without.join(", ")
            ));
        }
        Ok(())
    }
}
