package dev.aliquot.agent;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.aliquot.nvml.PciAddress;
import dev.aliquot.nvml.RecoveryAction;
import org.junit.jupiter.api.Test;

/** Dependencies point one way. */
class PackageDependenciesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("dev.aliquot");

  @Test
  void noPackagesDependOnEachOtherInACircle() {
    slices().matching("dev.aliquot.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void theAgentKnowsNothingOfTheCommand() {
    noClasses()
        .that()
        .resideInAPackage("dev.aliquot.agent..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.aliquot.cli..")
        .check(CLASSES);
  }

  @Test
  void theLedgerKnowsOnlyJava() {
    noClasses()
        .that()
        .resideInAPackage("dev.aliquot.ledger..")
        .should()
        .dependOnClassesThat()
        .resideOutsideOfPackages("dev.aliquot.ledger..", "java..", "org.jspecify..")
        .check(CLASSES);
  }

  @Test
  void whatFaultsMeanKnowsNothingOfTheAgent() {
    noClasses()
        .that()
        .resideInAPackage("dev.aliquot.health..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.aliquot.agent..", "dev.aliquot.cli..")
        .check(CLASSES);
  }

  /** Its values are everybody's. */
  @Test
  void onlyTheInventoryTalksToNvml() {
    noClasses()
        .that()
        .resideInAPackage("dev.aliquot.agent..")
        .and()
        .resideOutsideOfPackages("dev.aliquot.agent", "dev.aliquot.agent.device")
        .should()
        .dependOnClassesThat(
            resideInAPackage("dev.aliquot.nvml..")
                .and(not(belongToAnyOf(PciAddress.class, RecoveryAction.class))))
        .check(CLASSES);
  }

  /** So that an agent that speaks with no cluster loads nothing of it. */
  @Test
  void onlyOnePackageKnowsTheClientOfClusters() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.aliquot.agent.kubernetes")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.fabric8..")
        .check(CLASSES);
  }

  /** So that an agent that serves no kubelet loads nothing of it. */
  @Test
  void onlyOnePackageKnowsTheDevicePlugin() {
    noClasses()
        .that()
        .resideInAnyPackage("dev.aliquot.agent..", "dev.aliquot.cli..")
        .and()
        .resideOutsideOfPackage("dev.aliquot.agent.plugin")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.aliquot.plugin..", "io.grpc..")
        .check(CLASSES);
  }

  /** Its gRPC is what it speaks with the kubelet, and nobody else's. */
  @Test
  void theAgentLeavesSpeakingWithTheKubeletToThePlugin() {
    noClasses()
        .that()
        .resideInAPackage("dev.aliquot.agent.plugin")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.grpc..", "com.google.protobuf..")
        .check(CLASSES);
  }
}
