package dev.aliquot.plugin;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.Clock;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Dependencies point one way. */
class PackageDependenciesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.aliquot.plugin");

  @Test
  void noPackagesDependOnEachOtherInACircle() {
    slices().matching("dev.aliquot.plugin.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void whatDecidesKnowsNothingOfSockets() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.aliquot.plugin.node",
            "dev.aliquot.plugin.unit",
            "dev.aliquot.plugin.pod",
            "dev.aliquot.plugin.placement",
            "dev.aliquot.plugin.ledger")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.grpc..",
            "io.netty..",
            "com.google..",
            "com.fasterxml..",
            "java.nio.file..",
            "java.net..",
            "dev.aliquot.plugin.proto..")
        .check(CLASSES);
  }

  @Test
  void theNodeKnowsNothingOfThePlugin() {
    noClasses()
        .that()
        .resideInAPackage("dev.aliquot.plugin.node")
        .should()
        .dependOnClassesThat()
        .resideOutsideOfPackages("dev.aliquot.plugin.node", "java..", "org.jspecify..")
        .check(CLASSES);
  }

  /** A clock that jumps cannot mislead who does not look at it. */
  @Test
  void nothingLooksAtTheTimeOfDay() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.aliquot.plugin.proto..")
        .should()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Clock.class)
        .check(CLASSES);
  }
}
